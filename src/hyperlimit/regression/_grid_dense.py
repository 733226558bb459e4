"""A grid regression solved by a dense factor of its known values."""

from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.linalg import ridged_cholesky, tiled_symmetric
from hyperlimit.regression._grid_factors import (
    Cross,
    coordinate_state,
    entries,
)
from hyperlimit.regression._grid_problem import GridProblem, Outcome, Report, Solved
from hyperlimit.regression._meta_kernels import meta_kernels, meta_state


@final
class SolvedDensely(Solved):
    """The Cholesky factor of the known values' Gram matrix."""

    factor: Float[Array, "v v"]
    image: Int[np.ndarray, " v"]
    pixel: Int[np.ndarray, " v"]

    def explained(self, cross: Cross, exact: bool) -> Float[Array, "m q"]:
        """k^T (K + noise)^{-1} k, exactly."""
        del exact
        right_known = cross.right[:, :, self.pixel]
        rows = [
            _explained(self.factor, a, right_known)
            for a in jnp.moveaxis(cross.left[:, :, self.image], 1, 0)
        ]
        return jnp.stack(rows)


@jax.jit
def _explained(
    factor: Float[Array, "v v"], left: Float[Array, "r v"], right: Array
) -> Float[Array, " q"]:
    cross = jnp.einsum("rv,rqv->vq", left, right)
    half = jax.scipy.linalg.solve_triangular(factor, cross, lower=True)
    return jnp.sum(half**2, axis=0)


def solve_densely(problem: GridProblem, values: Float[Array, "n p k"]) -> Outcome:
    """Solves for the weights of the known values, (n, p, k)."""
    solved = dense_factor(problem)
    where = (solved.image, solved.pixel)
    solution = jax.scipy.linalg.cho_solve((solved.factor, True), values[where])
    weights = jnp.zeros_like(values).at[where].set(solution)
    return solved, weights, Report("dense Cholesky", 0, 0.0, 0, 0.0)


def dense_factor(problem: GridProblem) -> SolvedDensely:
    """The factor alone; entries are looked up from two small tables."""
    (limit, kind, scale), x, z = problem[:3]
    image, pixel = np.nonzero(problem.known)
    between = (jnp.asarray(part, x.dtype) for part in meta_kernels(limit, x, x))
    tables = meta_state(scale, *between), coordinate_state(limit, z, z)

    def tile(a: Any, b: Any) -> tuple[Array]:
        return (_entries(limit, kind, *tables, a, b),)

    (gram,) = tiled_symmetric(tile, (jnp.asarray(image), jnp.asarray(pixel)))
    factor = ridged_cholesky(gram, problem.noise, f"{len(image)} known values")
    return SolvedDensely(factor, image, pixel)


_entries = jax.jit(entries, static_argnums=(0, 1))
