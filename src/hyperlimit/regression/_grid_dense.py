"""A grid regression solved by a dense factor of its known values."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.limits.gram import Gram
from hyperlimit.linalg import ridged_cholesky, tiled_symmetric
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.regression._grid_problem import (
    GridProblem,
    Outcome,
    Report,
    Solved,
    rows_of_image,
)


@final
class SolvedDensely(Solved):
    """The Cholesky factor of the known values' Gram matrix."""

    factor: Float[Array, "v v"]

    def explained(
        self, cross: Gram, new: Float[Array, "m ..."], exact: bool
    ) -> Float[Array, "m q"]:
        """k^T (K + noise)^{-1} k, exactly."""
        del exact
        rows = (rows_of_image(cross, len(new), index) for index in range(len(new)))
        return jnp.stack([_explained(self.factor, cross.operator, r) for r in rows])

    def weights(self, values: Float[Array, "v k"]) -> Float[Array, "v k"]:
        """(K + noise)^{-1} y."""
        return jax.scipy.linalg.cho_solve((self.factor, True), values)


@eqx.filter_jit
def _explained(
    factor: Float[Array, "v v"], cross: AbstractOperator, rows: Int[Array, " q"]
) -> Float[Array, " q"]:
    columns = cross.block(rows, jnp.arange(factor.shape[0]))
    return explained_by(factor, columns.T)


def explained_by(
    factor: Float[Array, "v v"], columns: Float[Array, "v q"]
) -> Float[Array, " q"]:
    """k^T (L L^T)^{-1} k of each column k."""
    half = jax.scipy.linalg.solve_triangular(factor, columns, lower=True)
    return jnp.sum(half**2, axis=0)


def solve_densely(
    problem: GridProblem, values: Float[Array, "v k"], noise: float
) -> Outcome:
    """Solves for the weights of the known values, (v, k)."""
    solved = dense_factor(problem, noise)
    return (
        solved,
        solved.weights(values),
        Report("dense Cholesky", "none", 0, 0.0, 0, 0.0, 1.0),
    )


def dense_factor(problem: GridProblem, noise: float) -> SolvedDensely:
    """The factor alone; entries are computed from f's kernels between images."""
    gram = problem.gram("tiled")

    def tile(a: Int[Array, " a"], b: Int[Array, " b"]) -> tuple[Array]:
        return (_block(gram.operator, a, b),)

    (matrix,) = tiled_symmetric(tile, jnp.arange(gram.shape[0]))
    factor = ridged_cholesky(matrix, noise, f"{len(matrix)} known values")
    return SolvedDensely(factor)


@eqx.filter_jit
def _block(operator: AbstractOperator, a: Array, b: Array) -> Array:
    return operator.block(a, b)
