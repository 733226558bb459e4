"""Preconditioned conjugate gradients with many right-hand sides."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator

# Told the iterations so far and the largest relative residual among the columns.
Progress = Callable[[int, float], None]

# The recurrence's residual is believed to this part of the tolerance; then the true
# one is computed.
_MARGIN = 0.7
# A restart that gains less than this has met the rounding of the products.
_GAIN = 0.5


class Solution(NamedTuple):
    """What conjugate gradients found, and how well it solves the system.

    Attributes:
        vectors: the columns.
        residuals: of each column the *true* relative residual |b - G v| / |b|,
            recomputed from the answer: in single precision the recurrence's own
            figure falls far below it.
        iterations: of each column.
        condition: of the preconditioned operator, as Lanczos's process of the column
            that took longest sees it: a lower bound that is often close.
    """

    vectors: Float[Array, "n c"]
    residuals: Float[np.ndarray, " c"]
    iterations: Int[np.ndarray, " c"]
    condition: float

    @property
    def residual(self) -> float:
        """That of the worst column."""
        return float(self.residuals.max(initial=0.0))


class State(eqx.Module):
    """Between two iterations: everything that the next ones need.

    Attributes:
        answer, residual, direction: (n, c).
        descent: r^T M^{-1} r of each column.
        active: which columns still move.
        steps: iterations of each column.
        lengths, ratios: of each column's latest Lanczos process, (k, c), NaN where
            there was no iteration.
    """

    answer: Float[Array, "n c"]
    residual: Float[Array, "n c"]
    direction: Float[Array, "n c"]
    descent: Float[Array, " c"]
    active: Bool[Array, " c"]
    steps: Int[Array, " c"]
    lowest: Float[Array, ""]


def conjugate_gradients(
    operator: AbstractOperator,
    right: Float[Array, "n c"],
    preconditioner: AbstractOperator | None = None,
    *,
    tolerance: float,
    most_iterations: int = 1000,
    chunk: int = 10,
    progress: Progress | None = None,
) -> Solution:
    r"""Solves $G v = b$ for each of c columns, $G$ symmetric and positive definite.

    Columns have their own step lengths, and each stops on its own when
    $|b - G v| \le$ `tolerance` $|b|$. What decides is the true residual: once the
    recurrence's has converged it is computed anew, and the iteration restarts from it
    if it has not. Columns of zeros have the answer zero.

    Args:
        operator: G.
        right: b, (n, c).
        preconditioner: an operator that is nearly $G^{-1}$, positive definite.
        tolerance: relative, on every column.
        most_iterations: of any column.
        chunk: iterations between two looks at the clock: they are one compiled call.
        progress: told the iterations and the residual after every chunk.

    Cost: one product with G and one with the preconditioner an iteration, and another
    product with G for every restart.

    Raises:
        InputError: in one sentence, if the system is not finite, not positive
            definite, diverges, stagnates above the tolerance, or needs more
            iterations.
    """
    sizes = _norms(right)
    if not bool(jnp.isfinite(sizes).all()):
        raise InputError(
            "the right-hand side holds numbers that are not finite: leave those "
            "examples out or mend them."
        )
    scale = jnp.where(sizes > 0, sizes, 1)
    answer, residual = jnp.zeros_like(right), right
    steps = jnp.zeros(right.shape[1], jnp.int32)
    true = np.where(np.asarray(sizes) > 0, 1.0, 0.0)
    best = np.full(right.shape[1], np.inf)
    condition = 1.0
    while True:
        # Columns whose restart gained nothing have met the rounding.
        open_ = (true > tolerance) & (true <= _GAIN * best)
        if not open_.any():
            break
        best = true
        state = _start(preconditioner, answer, residual, jnp.asarray(open_), steps)
        found = _cycle(
            operator,
            preconditioner,
            state,
            scale,
            (tolerance, most_iterations, chunk),
            progress,
        )
        answer, steps, seen = found
        condition = max(condition, seen)
        residual = _residual(operator, answer, right)
        true = np.asarray(_norms(residual) / scale, np.float64)
        if int(steps.max()) >= most_iterations:
            break
    used = np.asarray(steps)
    _check_end(true, used, tolerance, most_iterations, condition)
    return Solution(answer, true, used, condition)


def _cycle(
    operator: AbstractOperator,
    preconditioner: AbstractOperator | None,
    state: State,
    scale: Float[Array, " c"],
    settings: tuple[float, int, int],
    progress: Progress | None,
) -> tuple[Float[Array, "n c"], Int[Array, " c"], float]:
    """Iterates until the recurrence has converged in every column."""
    tolerance, most, chunk = settings
    coefficients: list[np.ndarray] = []
    start = float(jnp.max(_norms(state.residual) / scale))
    while True:
        state, record = _iterations(
            operator,
            preconditioner,
            state,
            scale,
            jnp.asarray(_MARGIN * tolerance, scale.dtype),
            chunk,
        )
        coefficients.append(np.asarray(record, np.float64))
        worst = float(jnp.max(_norms(state.residual) / scale))
        used = int(state.steps.max())
        if not np.isfinite(worst):
            raise InputError(
                f"the linear system is not finite after {used} iterations: scale the "
                "data, or raise the ridge."
            )
        if not float(state.lowest) > 0:
            raise InputError(
                f"the matrix is not positive definite (curvature "
                f"{float(state.lowest):.1e} within {used} iterations): raise the "
                "ridge, lower atol, or use float64."
            )
        if worst > 1e4 * max(start, 1e-300):
            raise InputError(
                f"conjugate gradients diverge: a relative residual of {worst:.1e} "
                f"after {used} iterations: raise the ridge, or use float64."
            )
        if progress is not None:
            progress(used, worst)
        if not bool(state.active.any()) or used >= most:
            return state.answer, state.steps, _condition(np.concatenate(coefficients))


def _condition(record: Float[np.ndarray, "k 2 c"]) -> float:
    """Ritz values' largest over smallest, of the column that went on longest."""
    lengths, ratios = record[:, 0], record[:, 1]
    column = int(np.argmax(np.isfinite(lengths).sum(axis=0)))
    alpha, beta = lengths[:, column], ratios[:, column]
    alpha, beta = alpha[np.isfinite(alpha)], beta[np.isfinite(alpha)]
    if len(alpha) == 0:
        return 1.0
    diagonal = 1 / alpha
    diagonal[1:] += beta[:-1] / alpha[:-1]
    off = np.sqrt(np.maximum(beta[:-1], 0)) / alpha[:-1]
    values = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    return float(values[-1] / max(values[0], 1e-300))


def _check_end(
    true: np.ndarray,
    used: np.ndarray,
    tolerance: float,
    most_iterations: int,
    condition: float,
) -> None:
    worst = float(true.max(initial=0.0))
    if worst <= tolerance:
        return
    where = (
        f"a relative residual of {worst:.1e} after {used.max()} iterations (condition "
        f"at least {condition:.1e}), and {tolerance:.1e} was asked for"
    )
    if used.max() >= most_iterations:
        raise InputError(
            f"conjugate gradients stand at {where}: allow more iterations, or raise "
            "the ridge."
        )
    raise InputError(
        f"conjugate gradients stagnate at {where}: that is the rounding of the "
        "products, so ask for less, raise the ridge, or use float64."
    )


@eqx.filter_jit
def _start(
    preconditioner: AbstractOperator | None,
    answer: Array,
    residual: Array,
    active: Array,
    steps: Array,
) -> State:
    direction = _improved(preconditioner, residual)
    return State(
        answer,
        residual,
        direction,
        _dots(residual, direction),
        active,
        steps,
        jnp.asarray(jnp.inf, residual.dtype),
    )


@eqx.filter_jit
def _iterations(
    operator: AbstractOperator,
    preconditioner: AbstractOperator | None,
    state: State,
    scale: Array,
    enough: Array,
    chunk: int,
) -> tuple[State, Float[Array, "k 2 c"]]:
    """Up to `chunk` iterations, fewer if every column has converged."""
    record = jnp.full((chunk, 2, scale.shape[0]), jnp.nan, scale.dtype)

    def going(carry: tuple[Array, State, Array]) -> Array:
        index, state, _ = carry
        return (index < chunk) & state.active.any() & (state.lowest > 0)

    def step(carry: tuple[Array, State, Array]) -> tuple[Array, State, Array]:
        index, state, record = carry
        state, coefficients = _step(operator, preconditioner, state, scale, enough)
        return index + 1, state, record.at[index].set(coefficients)

    _, state, record = jax.lax.while_loop(
        going, step, (jnp.zeros((), jnp.int32), state, record)
    )
    return state, record


def _step(
    operator: AbstractOperator,
    preconditioner: AbstractOperator | None,
    state: State,
    scale: Array,
    enough: Array,
) -> tuple[State, Float[Array, "2 c"]]:
    image = operator.matmat(state.direction)
    curvature = _dots(state.direction, image)
    # A column that has converged exactly has no direction left: it stays.
    active = state.active & (state.descent > 0)
    length = jnp.where(active, state.descent / jnp.where(active, curvature, 1), 0)
    answer = state.answer + length[None] * state.direction
    residual = state.residual - length[None] * image
    improved = _improved(preconditioner, residual)
    descent = _dots(residual, improved)
    ratio = jnp.where(active, descent / jnp.where(active, state.descent, 1), 0)
    direction = improved + ratio[None] * state.direction
    lowest = jnp.min(jnp.where(active, curvature, jnp.inf))
    going = active & (_norms(residual) > enough * scale)
    after = State(
        answer,
        residual,
        direction,
        jnp.where(active, descent, 0),
        going,
        state.steps + active.astype(state.steps.dtype),
        jnp.where(lowest < state.lowest, lowest, state.lowest),
    )
    nothing = jnp.asarray(jnp.nan, length.dtype)
    record = jnp.where(active, jnp.stack([length, ratio]), nothing)
    return after, record


def _improved(preconditioner: AbstractOperator | None, vectors: Array) -> Array:
    return vectors if preconditioner is None else preconditioner.matmat(vectors)


@eqx.filter_jit
def _residual(operator: AbstractOperator, answer: Array, right: Array) -> Array:
    return right - operator.matmat(answer)


def _dots(a: Float[Array, "n c"], b: Float[Array, "n c"]) -> Float[Array, " c"]:
    return jnp.sum(a * b, axis=0)


@jax.jit
def _norms(a: Float[Array, "n c"]) -> Float[Array, " c"]:
    return jnp.sqrt(jnp.sum(a**2, axis=0))
