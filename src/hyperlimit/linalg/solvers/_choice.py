"""Which preconditioner an operator gets."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from hyperlimit.linalg.operators import AbstractOperator, KroneckerSum
from hyperlimit.linalg.solvers._kronecker_inverse import kronecker_inverse
from hyperlimit.linalg.solvers._low_rank_inverse import low_rank_inverse
from hyperlimit.linalg.solvers._pivoted_cholesky import pivoted_cholesky
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# Images up to which all eigenvectors are computed, and how many beyond.
_WHOLE, _SUBSPACE = 12_000, 2048
# Columns of a partial Cholesky factor.
_PIVOTS = 1000
# Rows of a block beside it.
_LARGEST = 256


class Preconditioner(NamedTuple):
    """A preconditioner and its name."""

    operator: AbstractPreconditioner
    name: str


def preconditioner_for(
    operator: AbstractOperator,
    ridge: float,
    memory: int = 2**30,
    groups: Int[np.ndarray, " n"] | None = None,
) -> Preconditioner:
    r"""The inverse of something near $G + \lambda I$.

    A square Kronecker sum, of complete targets, is near a Kronecker product of
    eigenvectors (`kronecker_inverse`). Everything else, a part of its rows or any
    kernel matrix, gets a partial Cholesky factor of as many columns as the memory
    holds, at most 1,000 and a quarter of the rows.

    Args:
        operator: G, symmetric and positive semidefinite.
        ridge: the noise.
        memory: bytes that it may take.
        groups: a label a row; the low rank's rest is kept between rows of one label.
    """
    size, itemsize = operator.shape[0], jnp.dtype(operator.dtype).itemsize
    if isinstance(operator, KroneckerSum):
        n, p = operator.left.shape[1], operator.right.shape[1]
        # An eigendecomposition holds some three matrices; a subspace, one of its size.
        whole = n <= _WHOLE and 3 * n**2 * itemsize <= memory
        rank = n if whole else max(1, min(n, memory // (2 * itemsize * (n + p))))
        rank = rank if whole else min(rank, _SUBSPACE)
        name = "all eigenvectors" if whole else f"a subspace of {rank}"
        return Preconditioner(
            kronecker_inverse(operator, ridge, rank), f"Kronecker product, {name}"
        )
    # The factor stands three times while it is made; blocks get a quarter.
    rank = max(1, min(_PIVOTS, size // 4, memory // (4 * itemsize * size)))
    largest = max(1, min(_LARGEST, memory // (4 * itemsize * size)))
    found = pivoted_cholesky(operator, rank)
    near = low_rank_inverse(operator, found, ridge, groups, largest)
    blocks = "" if groups is None else f", blocks of {near.scale.shape[1]}"
    name = f"partial Cholesky factor, {found.factor.shape[1]} columns{blocks}"
    return Preconditioner(near, name)
