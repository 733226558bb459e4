"""Preconditioned conjugate gradients with many right-hand sides."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._double_residual import (
    corrected,
    norms_of_right,
    relative_residuals,
    unit_residual,
)
from hyperlimit.linalg.solvers._iteration import iterations, norms, start
from hyperlimit.linalg.solvers._stage import AbstractKeeper, Stage, System
from hyperlimit.linalg.solvers._verdicts import (
    check_end,
    check_finite_and_definite,
    check_growth,
    condition_of,
)

# Told the iterations so far and the largest relative residual among the columns.
Progress = Callable[[int, float], None]

# The recurrence's residual is believed to this part of the tolerance; then the true
# one is computed.
_MARGIN = 0.7
# A cycle that gains less than this has met the rounding of the products.
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


def conjugate_gradients(
    operator: AbstractOperator,
    right: Float[Array, "n c"],
    preconditioner: AbstractOperator | None = None,
    *,
    tolerance: float,
    most_iterations: int = 1000,
    chunk: int = 5,
    progress: Progress | None = None,
    keeper: AbstractKeeper | None = None,
) -> Solution:
    r"""Solves $G v = b$ for each of c columns, $G$ symmetric and positive definite.

    Columns have their own step lengths, and each stops on its own when
    $|b - G v| \le$ `tolerance` $|b|$. What decides is the true residual: once the
    recurrence's has converged, it is computed anew in double precision, and if it is
    too large a new cycle solves for what is left. So an operator in single precision
    serves any tolerance: iterations are in the operator's precision, the answer in
    that of `right`. Columns of zeros have the answer zero.

    Args:
        operator: G.
        right: b, (n, c), in the operator's precision or double.
        preconditioner: an operator that is nearly $G^{-1}$, positive definite.
        tolerance: relative, on every column.
        most_iterations: of any column.
        chunk: iterations between two looks at the clock: they are one compiled call.
        progress: told the iterations and the residual after every chunk.
        keeper: keeps what the next chunk needs, and gives back what was kept, such as
            `linalg.checkpoints.Checkpoints`.

    Cost: one product with G and one with the preconditioner an iteration, and a
    product with G in double precision for every cycle, of which there are one to
    three.

    Raises:
        InputError: in one sentence, if the system is not finite, not positive
            definite, diverges, stagnates above the tolerance, or needs more
            iterations.
    """
    with _precision(right):
        sizes = norms(right)
    if not np.isfinite(np.asarray(sizes)).all():
        raise InputError(
            "the right-hand side holds numbers that are not finite: leave those "
            "examples out or mend them."
        )
    true = (np.asarray(sizes) > 0).astype(np.float64)
    if not true.any():
        with _precision(right):
            nothing = jnp.zeros_like(right)
        return Solution(nothing, true, np.zeros(len(true), np.int32), 1.0)
    system = _System(operator, preconditioner, right, tolerance)
    stage = system.begun(None, true, np.zeros(len(true), np.int32), 1.0)
    if keeper is not None:
        given = System(operator, preconditioner, right)
        kept = keeper.restored(given, stage)
        stage = stage if kept is None else kept
    last = None
    try:
        while True:
            stage = _cycle(system, stage, (most_iterations, chunk), progress, keeper)
            answer = system.corrected(stage)
            before, true = stage.true, system.residuals(answer)
            used = np.asarray(stage.state.steps)
            condition = max(stage.condition, condition_of(stage.record))
            # Columns whose cycle gained too little have met the rounding.
            open_ = (true > tolerance) & (true <= _GAIN * before)
            if used.max() >= most_iterations or not open_.any():
                break
            stage = system.begun(answer, np.where(open_, true, 0), used, condition)
        last = stage
    finally:
        if keeper is not None:
            keeper.finish(last)
    check_end(
        true,
        used,
        tolerance,
        most_iterations,
        condition,
        np.asarray(stage.state.descent),
    )
    return Solution(answer, true, used, condition)


@dataclass(frozen=True)
class _System:
    operator: AbstractOperator
    preconditioner: AbstractOperator | None
    right: Float[Array, "n c"]
    tolerance: float

    def begun(
        self,
        answer: Float[Array, "n c"] | None,
        true: Float[np.ndarray, " c"],
        used: Int[np.ndarray, " c"],
        condition: float,
    ) -> Stage:
        """A cycle for what an answer leaves; columns without residual rest."""
        dtype = jnp.dtype(self.operator.dtype)
        with jax.enable_x64(True):
            given = jnp.zeros_like(self.right) if answer is None else answer
            unit = unit_residual(
                None if answer is None else self.operator, given, self.right, dtype
            )
        state = start(
            self.preconditioner,
            unit,
            jnp.asarray(true > 0),
            jnp.asarray(used, jnp.int32),
        )
        return Stage(given, true, state, np.zeros((0, 2, len(true))), condition)

    def enough(self, true: Float[np.ndarray, " c"]) -> Float[Array, " c"]:
        """At which part of its start the cycle's residual ends, column by column."""
        dtype = jnp.dtype(self.operator.dtype)
        wanted = _MARGIN * self.tolerance / np.where(true > 0, true, 1)
        # What one cycle can gain before the recurrence departs from the truth.
        floor = float(jnp.finfo(dtype).eps) ** 0.5
        return jnp.asarray(np.where(wanted > floor, wanted, floor), dtype)

    def corrected(self, stage: Stage) -> Float[Array, "n c"]:
        """The answer with the cycle's correction."""
        with jax.enable_x64(True):
            size = norms_of_right(self.right) * jnp.asarray(stage.true)
            return corrected(stage.answer, stage.state.answer, size)

    def residuals(self, answer: Float[Array, "n c"]) -> Float[np.ndarray, " c"]:
        """The true relative residuals, in double precision."""
        with jax.enable_x64(True):
            return np.asarray(relative_residuals(self.operator, answer, self.right))


def _cycle(
    system: _System,
    stage: Stage,
    settings: tuple[int, int],
    progress: Progress | None,
    keeper: AbstractKeeper | None,
) -> Stage:
    """Iterates until the recurrence has converged in every column."""
    most, chunk = settings
    enough = system.enough(stage.true)
    while bool(stage.state.active.any()) and int(stage.state.steps.max()) < most:
        state, record = iterations(
            system.operator,
            system.preconditioner,
            stage.state,
            enough,
            jnp.asarray(most, stage.state.steps.dtype),
            chunk,
        )
        made = np.asarray(record, np.float64)
        # A chunk that ended early has rows without any iteration.
        made = made[np.isfinite(made).any(axis=(1, 2))]
        record = np.concatenate([stage.record, made])
        stage = Stage(stage.answer, stage.true, state, record, stage.condition)
        sizes = np.asarray(norms(state.residual), np.float64)
        used = int(state.steps.max())
        check_finite_and_definite(sizes, float(state.lowest), used)
        check_growth(record[:, 1], float(jnp.finfo(enough.dtype).eps), used)
        if progress is not None:
            progress(used, float((sizes * stage.true).max()))
        if keeper is not None:
            keeper.keep(stage)
    return stage


def _precision(right: Array) -> AbstractContextManager:
    """Double precision where the right-hand side has it."""
    wide = np.float64 in (jnp.result_type(float), right.dtype)
    return jax.enable_x64(wide)
