"""A partial Cholesky factor of any kernel matrix."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators import AbstractOperator


class PartialFactor(NamedTuple):
    r"""$G \approx F F^T$, exact in the rows of the pivots.

    Attributes:
        factor: F, (n, k).
        pivots: the rows that were taken, (k,); fewer than k if no others were left.
        left: the diagonal of $G - F F^T$, (n,), not negative.
    """

    factor: Float[Array, "n k"]
    pivots: Int[np.ndarray, " k"]
    left: Float[Array, " n"]


def pivoted_cholesky(
    operator: AbstractOperator, rank: int, *, block: int = 32, seed: int = 0
) -> PartialFactor:
    r"""A partial Cholesky factor with randomly chosen pivots, several at a time.

    Pivots are drawn with probabilities in proportion to what is left of the diagonal,
    which is near the best possible for the trace of what is left, where greedy pivots
    can be far from it.

    Args:
        operator: G, symmetric and positive semidefinite, with `diagonal` and `block`.
        rank: k, how many pivots.
        block: how many are drawn at a time.
        seed: of the draws.

    Cost: k rows of G, and O(n k^2).

    References:
        Chen, Epperly, Tropp and Webber, *Randomly Pivoted Cholesky*, Communications on
        Pure and Applied Mathematics 2025.
    """
    size = operator.shape[0]
    rank = min(rank, size)
    draw = np.random.default_rng(seed)
    left = operator.diagonal()
    smallest = 30 * float(jnp.finfo(left.dtype).eps) * float(jnp.max(left))
    factor = jnp.zeros((size, rank), left.dtype)
    taken: list[np.ndarray] = []
    count = 0
    while count < rank:
        chances = np.array(left, np.float64)
        chances[np.concatenate([np.zeros(0, int), *taken])] = 0
        chances[chances < smallest] = 0
        some = min(block, rank - count, int(np.count_nonzero(chances)))
        if some == 0:
            break
        index = np.sort(draw.choice(size, some, False, chances / chances.sum()))
        columns = _columns(operator, jnp.asarray(index))
        factor, left = _extended(factor, left, columns, jnp.asarray(index), count)
        taken.append(index)
        count += some
    pivots = np.concatenate([np.zeros(0, int), *taken])
    return PartialFactor(factor[:, :count], pivots, left)


@eqx.filter_jit
def _columns(operator: AbstractOperator, index: Array) -> Float[Array, "n b"]:
    return operator.block(jnp.arange(operator.shape[0]), index)


@functools.partial(jax.jit, donate_argnums=(0, 1))
def _extended(
    factor: Float[Array, "n k"],
    left: Float[Array, " n"],
    columns: Float[Array, "n b"],
    index: Int[Array, " b"],
    count: Int[Array, ""] | int,
) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """With the columns of new pivots, less what the others explain."""
    rest = columns - factor @ factor[index].T
    inner = (rest[index] + rest[index].T) / 2
    # Pivots of one block may be nearly equal: their difference is a rounding.
    whole = jnp.sum(jnp.diagonal(columns[index]))
    rounding = 10 * jnp.finfo(rest.dtype).eps * whole
    root = jnp.linalg.cholesky(inner + rounding * jnp.eye(len(index), dtype=rest.dtype))
    new = jax.scipy.linalg.solve_triangular(root, rest.T, lower=True).T
    factor = jax.lax.dynamic_update_slice(factor, new, (0, count))
    left = left - jnp.sum(new**2, axis=1)
    return factor, jnp.where(left > 0, left, 0)
