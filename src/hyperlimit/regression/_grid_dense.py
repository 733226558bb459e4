"""A grid regression solved by a dense factor of its known values."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
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

# Of a matrix that are taken to double precision together.
_ROWS = 1024


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
    gram = problem.gram("tiled")
    matrix = _matrix(gram)
    factor = ridged_cholesky(matrix, noise, f"{len(matrix)} known values")
    solved = SolvedDensely(factor)
    weights = solved.weights(values)
    residual = _residual(matrix, noise, weights, values)
    report = Report("dense Cholesky", "none", 0, gram.report.error, 0, residual, None)
    return solved, weights, report


def dense_factor(problem: GridProblem, noise: float) -> SolvedDensely:
    """The factor alone."""
    matrix = _matrix(problem.gram("tiled"))
    return SolvedDensely(ridged_cholesky(matrix, noise, f"{len(matrix)} known values"))


def _residual(
    matrix: Float[Array, "v v"],
    noise: float,
    weights: Float[Array, "v k"],
    values: Float[Array, "v k"],
) -> float:
    """The relative one of the worst column, by products in double precision."""
    left, sizes = 0.0, 0.0
    answer, right = (np.asarray(part, np.float64) for part in (weights, values))
    for start in range(0, len(matrix), _ROWS):
        rows = slice(start, start + _ROWS)
        found = np.asarray(matrix[rows], np.float64) @ answer + noise * answer[rows]
        left = left + np.sum((right[rows] - found) ** 2, axis=0)
        sizes = sizes + np.sum(right[rows] ** 2, axis=0)
    return float(np.sqrt(left / np.where(sizes > 0, sizes, 1)).max())


def _matrix(gram: Gram) -> Float[Array, "v v"]:
    """Its entries, computed from f's kernels between images."""

    def tile(a: Int[Array, " a"], b: Int[Array, " b"]) -> tuple[Array]:
        return (_block(gram.operator, a, b),)

    (matrix,) = tiled_symmetric(tile, jnp.arange(gram.shape[0]))
    return matrix


@eqx.filter_jit
def _block(operator: AbstractOperator, a: Array, b: Array) -> Array:
    return operator.block(a, b)
