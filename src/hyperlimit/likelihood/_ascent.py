"""Climbing the log likelihood by L-BFGS."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.optimize
from jaxtyping import Float

from hyperlimit.errors import InputError
from hyperlimit.likelihood._evaluation import AbstractObjective, Evaluation
from hyperlimit.likelihood._log_numbers import LogNumbers

# What SciPy's codes say, but for a failed line search.
_REASONS = {0: "the slopes are zero", 1: "there were no more steps"}
# Told the steps so far and the log likelihood.
Progress = Callable[[int, float], None]

# Within which factor of the start numbers stay, and where ridges stay. A product of all
# weight scales is an amplitude, which nothing holds: it would run away.
_FACTORS = {"weight_std": 3.0, "bias_std": 30.0, "bandwidth": 1e3}
_RIDGES = 1e-9, 10.0
# It ends where so many steps together gain less than these parts, of the standard error
# and of the number of values. One alone may be small where the ridge is far too low:
# the other numbers settle first.
_PATIENCE, _OF_ERROR, _OF_VALUES = 5, 0.1, 1e-7


class Step(NamedTuple):
    """Where a step ended.

    Attributes:
        log_likelihood, error: there.
        ridge: there.
        factors: on each group of numbers, beside the start.
    """

    log_likelihood: float
    error: float
    ridge: float
    factors: dict[str, float]


class Ascent(NamedTuple):
    """The likeliest place seen.

    Attributes:
        theta, found: the place, and the log likelihood there.
        history: the start, and where each step ended.
        reason: why it stopped.
        refused: how often the log likelihood could not be computed on the way.
    """

    theta: Float[np.ndarray, " t"]
    found: Evaluation
    history: tuple[Step, ...]
    reason: str
    refused: int


class _Seen:
    """The objective for a minimiser, with what it has seen."""

    def __init__(self, objective: AbstractObjective, size: int):
        self.objective, self.size = objective, size
        self.best: tuple[np.ndarray, Evaluation] | None = None
        self.refused = 0

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log likelihood for each value, and its slopes."""
        try:
            found = self.objective(theta)
        except InputError:
            # Too far: where nothing can be computed is no place to go.
            if self.best is None:
                raise
            self.refused += 1
            back = theta - self.best[0]
            high = 1e3 * (abs(self.best[1].value) / self.size + 1)
            return high * (1 + float(back @ back)), 2 * high * back
        if self.best is None or found.value > self.best[1].value:
            self.best = theta.copy(), found
        return -found.value / self.size, -found.slopes / self.size


def ascend(
    objective: AbstractObjective,
    numbers: LogNumbers,
    size: int,
    steps: int,
    progress: Progress | None,
) -> Ascent:
    """From theta = 0, for targets of `size` values.

    It stops when five steps gain less than a tenth of the standard error, or 1e-7 for
    each value, when the line search finds nothing better, and after `steps`.

    Raises:
        InputError: if the log likelihood cannot be computed at the start.
    """
    seen = _Seen(objective, size)
    start = np.zeros(numbers.learned)
    history: list[Step] = []
    reason = ""

    def record(*_: object) -> None:
        nonlocal reason
        assert seen.best is not None
        theta, found = seen.best
        step = Step(
            found.value, found.error, numbers.at(theta)[1], numbers.named(theta)
        )
        history.append(step)
        if progress is not None:
            progress(len(history) - 1, found.value)
        if len(history) <= _PATIENCE:
            return
        gain = found.value - history[-1 - _PATIENCE].log_likelihood
        if gain <= max(_OF_ERROR * found.error, _OF_VALUES * size):
            reason = f"the last {_PATIENCE} steps gained {gain:.1e}"
            raise StopIteration

    first = seen(start)
    record()
    # The start is computed once.
    known = [first]

    def fun(theta: np.ndarray) -> tuple[float, np.ndarray]:
        if known and not theta.any():
            return known.pop()
        return seen(theta)

    logs = [float(np.log(_FACTORS[name.split()[0]])) for name in numbers.groups]
    bounds = [(-most, most) for most in logs]
    if numbers.learn_ridge:
        low, high = (float(np.log(r / numbers.ridge)) for r in _RIDGES)
        bounds.append((min(low, 0.0), max(high, 0.0)))
    if steps:
        ended = scipy.optimize.minimize(
            fun,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=record,
            options={"maxiter": steps, "ftol": 0.0, "gtol": 1e-9, "maxls": 10},
        )
        reason = reason or _REASONS.get(ended.status, "the line search ended")
    assert seen.best is not None
    reason = reason or "no steps were asked for"
    return Ascent(*seen.best, tuple(history), reason, seen.refused)
