"""Which preconditioner an operator gets."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from hyperlimit.linalg.operators import (
    AbstractOperator,
    KroneckerSum,
    Selected,
    StreamedTerms,
)
from hyperlimit.linalg.solvers._kronecker_inverse import kronecker_inverse
from hyperlimit.linalg.solvers._low_rank_inverse import low_rank_inverse
from hyperlimit.linalg.solvers._pivoted_cholesky import pivoted_cholesky
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# Images up to which all eigenvectors are computed, and how many beyond.
_WHOLE, _SUBSPACE = 12_000, 2048
# Columns of a partial Cholesky factor, at least and at most.
_FEWEST, _PIVOTS = 64, 1000
# As many are drawn at a time; what is left over is compiled anew.
_DRAWN = 32
# Rows of a block beside it.
_LARGEST = 512
# Flops in the time that a number is read in, on processors and on cards alike; and
# what a number of a left factor that is made from angles takes.
_READ, _MADE = 60, 60


class Preconditioner(NamedTuple):
    """A preconditioner and its name."""

    operator: AbstractPreconditioner
    name: str


def preconditioner_for(
    operator: AbstractOperator,
    ridge: float,
    memory: int = 2**30,
    groups: Int[np.ndarray, " n"] | None = None,
    vectors: int = 1,
) -> Preconditioner:
    r"""The inverse of something near $G + \lambda I$.

    A square Kronecker sum, of complete targets, is near a Kronecker product of
    eigenvectors (`kronecker_inverse`). Everything else, a part of its rows or any
    kernel matrix, gets blocks on the diagonal, which hold whole groups if three
    quarters of the memory do, and a partial Cholesky factor of as many columns as the
    rest holds, at most 1,000 and a quarter of the rows. A part of a Kronecker sum is
    multiplied so fast that reading such a factor would take longer: there the factor
    has only so many columns as are applied in half the time of a product.

    Args:
        operator: G, symmetric and positive semidefinite.
        ridge: the noise.
        memory: bytes that it may take.
        groups: a label a row; the low rank's rest is kept between rows of one label.
        vectors: how many are multiplied at once.
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
    largest = max(1, min(_LARGEST, 3 * memory // (4 * itemsize * size)))
    # The factor stands three times while it is made.
    left = memory - itemsize * size * min(largest, _longest(groups))
    rank = min(_PIVOTS, size // 4, left // (4 * itemsize * size))
    rank = min(rank, _columns(operator, vectors))
    found = pivoted_cholesky(operator, max(1, rank), block=_DRAWN)
    near = low_rank_inverse(operator, found, ridge, groups, largest)
    blocks = "" if groups is None else f", blocks of {near.scale.shape[1]}"
    name = f"partial Cholesky factor, {found.factor.shape[1]} columns{blocks}"
    return Preconditioner(near, name)


def _longest(groups: Int[np.ndarray, " n"] | None) -> int:
    """Rows of the largest group."""
    if groups is None:
        return 1
    return int(np.unique(groups, return_counts=True)[1].max())


def _columns(operator: AbstractOperator, vectors: int) -> int:
    """How many columns of a factor are applied in half the time of a product."""
    if not isinstance(operator, Selected):
        return _PIVOTS
    whole = operator.whole
    if not isinstance(whole, KroneckerSum):
        return _PIVOTS
    (r, m, n), (_, q, p) = whole.left.shape, whole.right.shape
    flops = 2 * r * (m * n * p + m * q * p) * vectors
    if isinstance(whole.left, StreamedTerms):
        flops += _MADE * r * m * n
    # A factor of k columns is read twice, and takes 4 n k flops a vector.
    column = (2 * _READ + 4 * vectors) * operator.shape[0]
    return max(_FEWEST, flops // (2 * column) // _DRAWN * _DRAWN)
