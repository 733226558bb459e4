"""A grid regression solved by preconditioned conjugate gradients."""

from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.limits.gram import Gram, image_angles
from hyperlimit.linalg import ridged_cholesky
from hyperlimit.linalg.operators import (
    AbstractOperator,
    KroneckerSum,
    Shifted,
)
from hyperlimit.linalg.solvers import (
    AbstractKeeper,
    KroneckerInverse,
    Preconditioner,
    conjugate_gradients,
    preconditioner_for,
)
from hyperlimit.regression._combinations import explained_by_combinations
from hyperlimit.regression._grid_dense import explained_by
from hyperlimit.regression._grid_problem import (
    GridProblem,
    Outcome,
    Progress,
    Report,
    Solved,
    rows_of_image,
)
from hyperlimit.regression._grid_ranks import solved_on_ranks

# Values that quick variances come from: of the nearest images, or of combinations,
# few of which say more.
NEAR_VALUES, COMBINED_VALUES = 5000, 3000
# New values that are solved for together.
_SOLVED_TOGETHER = 32


@final
class SolvedByIteration(Solved):
    """The operator and its preconditioner, and what the operator was made from."""

    gram: Gram
    noise: float
    preconditioner: Preconditioner
    problem: GridProblem

    @property
    def system(self) -> Shifted:
        """G + noise."""
        return Shifted(
            self.gram.operator, jnp.asarray(self.noise, self.gram.operator.dtype)
        )

    def explained(
        self, cross: Gram, new: Float[Array, "m ..."], exact: bool
    ) -> Float[Array, "m q"]:
        """With complete targets what a few combinations of the images explain; with
        incomplete ones what the nearest images alone do; or exactly, by solves.
        """
        if exact:
            parts = [self._by_solves(cross, len(new), i) for i in range(len(new))]
            return jnp.stack(parts)
        inverse, between = self.preconditioner.operator, cross.operator
        whole = self.gram.operator
        if isinstance(inverse, KroneckerInverse):
            assert isinstance(whole, KroneckerSum)
            assert isinstance(between, KroneckerSum)
            return explained_by_combinations(
                whole, self.noise, inverse, between, COMBINED_VALUES
            )
        angles = image_angles(self.problem.limit, new, self.problem.x)
        return jnp.stack([self._by_nearest(cross, angles, i) for i in range(len(new))])

    def weights(self, values: Float[Array, "v k"]) -> Float[Array, "v k"]:
        """(K + noise)^{-1} y."""
        return conjugate_gradients(
            self.system,
            values,
            self.preconditioner.operator,
            tolerance=self.problem.tolerance,
        ).vectors

    def _by_nearest(
        self, cross: Gram, angles: Float[np.ndarray, "m n"], index: int
    ) -> Float[Array, " q"]:
        """What the known values of the nearest images explain: a lower bound."""
        image = self.problem.image
        rank = np.argsort(np.argsort(angles[index], kind="stable"))
        chosen = np.argsort(rank[image], kind="stable")[:NEAR_VALUES]
        rows = rows_of_image(cross, len(angles), index)
        near, columns = _near(
            self.gram.operator, cross.operator, jnp.asarray(np.sort(chosen)), rows
        )
        factor = ridged_cholesky(near, self.noise, f"{len(chosen)} known values")
        return explained_by(factor, columns.T)

    def _by_solves(self, cross: Gram, images: int, index: int) -> Float[Array, " q"]:
        parts = []
        rows = rows_of_image(cross, images, index)
        for start in range(0, len(rows), _SOLVED_TOGETHER):
            columns = _rows(cross.operator, rows[start : start + _SOLVED_TOGETHER]).T
            solution = conjugate_gradients(
                self.system,
                columns,
                self.preconditioner.operator,
                tolerance=self.problem.tolerance,
            )
            parts.append(jnp.sum(columns * solution.vectors, axis=0))
        return jnp.concatenate(parts)


@eqx.filter_jit
def _rows(operator: AbstractOperator, rows: Int[Array, " q"]) -> Float[Array, "q v"]:
    return operator.block(rows, jnp.arange(operator.shape[1]))


@eqx.filter_jit
def _near(
    gram: AbstractOperator, cross: AbstractOperator, chosen: Array, rows: Array
) -> tuple[Float[Array, "b b"], Float[Array, "q b"]]:
    """The Gram matrix of some known values, and what they have to do with others."""
    return gram.block(chosen, chosen), cross.block(rows, chosen)


def solve_by_iteration(
    problem: GridProblem,
    gram: Gram,
    values: Float[Array, "v k"],
    noise: float,
    progress: Progress | None,
    keeper: AbstractKeeper | None = None,
) -> Outcome:
    """Solves for the weights of the known values, (v, k)."""
    solved = iterative_factors(problem, gram, noise)
    inverse, operator = solved.preconditioner.operator, gram.operator
    settings: dict[str, Any] = {
        "tolerance": problem.tolerance,
        "progress": progress,
        "keeper": keeper,
    }
    if jax.process_count() > 1 and isinstance(operator, KroneckerSum):
        solution = solved_on_ranks(operator, noise, inverse, values, **settings)
    else:
        solution = conjugate_gradients(solved.system, values, inverse, **settings)
    report = Report(
        "conjugate gradients",
        solved.preconditioner.name,
        gram.report.terms,
        gram.report.error,
        int(solution.iterations.max()),
        solution.residual,
        solution.condition,
    )
    return solved, solution.vectors, report


def iterative_factors(
    problem: GridProblem, gram: Gram, noise: float
) -> SolvedByIteration:
    """The operator with its preconditioner."""
    groups = None if problem.complete else problem.image
    found = preconditioner_for(gram.operator, noise, problem.memory, groups)
    return SolvedByIteration(gram, noise, found, problem)
