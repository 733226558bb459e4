"""Which preconditioner an operator gets."""

from typing import NamedTuple

import jax.numpy as jnp

from hyperlimit.linalg.operators import AbstractOperator, KroneckerSum
from hyperlimit.linalg.solvers._mode_inverse import mode_inverse
from hyperlimit.linalg.solvers._pivoted_cholesky import (
    low_rank_inverse,
    pivoted_cholesky,
)

# Of the common subspace of all modes, and of a partial Cholesky factor.
_MODE_RANK, _PIVOTS = 256, 1000


class Preconditioner(NamedTuple):
    """A preconditioner and its name."""

    operator: AbstractOperator
    name: str


def preconditioner_for(
    operator: AbstractOperator, ridge: float, memory: int = 2**29
) -> Preconditioner:
    r"""The inverse of something near $G + \lambda I$.

    A square Kronecker sum, of complete targets, has modes that its right factors share
    (`mode_inverse`). Everything else, a part of its rows or any kernel matrix, gets a
    partial Cholesky factor of as many columns as the memory holds, at most 1,000 and a
    quarter of the rows.

    Args:
        operator: G, symmetric and positive semidefinite.
        ridge: the noise.
        memory: bytes that it may take.
    """
    noise = jnp.asarray(ridge, operator.dtype)
    size, itemsize = operator.shape[0], jnp.dtype(operator.dtype).itemsize
    if isinstance(operator, KroneckerSum):
        n, p = operator.left.shape[1], operator.right.shape[1]
        rank = min(_MODE_RANK, max(8, n // 4), int((memory / itemsize / p) ** 0.5))
        return Preconditioner(
            mode_inverse(operator, noise, rank), f"modes, rank {rank}"
        )
    rank = max(1, min(_PIVOTS, size // 4, memory // (itemsize * size)))
    found = pivoted_cholesky(operator, rank)
    name = f"partial Cholesky factor, {found.factor.shape[1]} columns"
    return Preconditioner(low_rank_inverse(found, noise), name)
