"""A preconditioner for any kernel matrix: a low rank, and blocks on the diagonal."""

from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._pivoted_cholesky import PartialFactor
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# Blocks whose entries are computed together hold some 32 MB.
_TOGETHER = 2**23


@final
class LowRankInverse(AbstractPreconditioner):
    r"""$M^{-1}$ for $M = C (I + X\, \mathrm{diag}(\sigma^2) X^T) C^T$.

    C is block diagonal: rows are cut into groups of at most b.

    Attributes:
        place: of each row, which group and where in it, as one number below g b.
        scale: $C^{-1}$ of each group, the identity where a group is short.
        basis: X, orthonormal columns.
        strengths: $\sigma^2$.
        log_volume: $\log \det C$.
    """

    place: Int[Array, " n"]
    scale: Float[Array, "g b b"]
    basis: Float[Array, "n k"]
    strengths: Float[Array, " k"]
    log_volume: Float[Array, ""]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.basis.shape[0], self.basis.shape[0]

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.scale.dtype

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """The product with c vectors at once: 4 n (k + b) c flops."""
        inside = self._scaled(vectors, transposed=False)
        damped = self._damped(inside, 1 / (1 + self.strengths))
        return self._scaled(damped, transposed=True)

    def root(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """S v."""
        return self._scaled(self._damped(vectors, self._root), transposed=True)

    def root_transposed(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """S^T v."""
        return self._damped(self._scaled(vectors, transposed=False), self._root)

    def log_determinant(self) -> Float[Array, ""]:
        """Of M."""
        return 2 * self.log_volume + jnp.sum(jnp.log1p(self.strengths))

    def diagonal(self) -> Float[Array, " n"]:
        """The entries (i, i)."""
        own = jnp.sum(self.scale**2, axis=1).reshape(-1)[self.place]
        turned = self._scaled(self.basis, transposed=True)
        return own + turned**2 @ (1 / (1 + self.strengths) - 1)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns; cost O(n k b) besides."""
        size = self.scale.shape[1]
        (g, i), (h, j) = (
            (index // size, index % size)
            for index in (self.place[rows], self.place[columns])
        )
        same = (g[:, None] == h[None, :]).astype(self.dtype)
        one, two = self.scale[g, :, i], self.scale[h, :, j]
        turned = self._scaled(self.basis, transposed=True)
        change = 1 / (1 + self.strengths) - 1
        return same * (one @ two.T) + (turned[rows] * change[None]) @ turned[columns].T

    @property
    def _root(self) -> Float[Array, " k"]:
        return jax.lax.rsqrt(1 + self.strengths)

    def _scaled(
        self, vectors: Float[Array, "n c"], *, transposed: bool
    ) -> Float[Array, "n c"]:
        return scaled(self.scale, self.place, vectors, transposed=transposed)

    def _damped(
        self, vectors: Float[Array, "n c"], factors: Float[Array, " k"]
    ) -> Float[Array, "n c"]:
        inside = (factors - 1)[:, None] * (self.basis.T @ vectors)
        return vectors + self.basis @ inside


def scaled(
    blocks: Float[Array, "g b b"],
    place: Int[Array, " n"],
    vectors: Float[Array, "n c"],
    *,
    transposed: bool,
) -> Float[Array, "n c"]:
    """Blocks on the diagonal, or their transposes, times vectors."""
    groups, size, _ = blocks.shape
    inside = jnp.zeros((groups * size, vectors.shape[1]), vectors.dtype)
    inside = inside.at[place].set(vectors, unique_indices=True)
    wanted = "gji,gjc->gic" if transposed else "gij,gjc->gic"
    found = jnp.einsum(wanted, blocks, inside.reshape(groups, size, -1))
    return found.reshape(groups * size, -1)[place]


def low_rank_inverse(
    operator: AbstractOperator,
    found: PartialFactor,
    ridge: float,
    groups: Int[np.ndarray, " n"] | None = None,
    largest: int = 64,
) -> LowRankInverse:
    r"""The inverse of $F F^T + \mathrm{blocks}(G - F F^T) + \lambda I$.

    What the low rank does not explain stays on the diagonal, and between rows of one
    group: without it, a kernel whose spectrum has a long tail is taken for one that
    ends at the ridge.

    Args:
        operator: G.
        found: F, from `pivoted_cholesky`.
        ridge: the noise, positive.
        groups: a label a row, such as the image it belongs to; rows with equal labels
            stand together. None: every row by itself.
        largest: a group with more rows is cut into pieces.

    Raises:
        InputError: if a block is not positive definite.
    """
    size = operator.shape[0]
    labels = np.arange(size) if groups is None else groups
    members, place = _members(labels, largest)
    count, width = members.shape
    # All calls have one shape; what fills the last up are identities.
    some = min(count, max(1, _TOGETHER // (width * (width + 8))))
    members = np.pad(members, ((0, -count % some), (0, 0)), constant_values=-1)
    parts = [
        _roots(
            operator, found.factor, jnp.asarray(members[start : start + some]), ridge
        )
        for start in range(0, count, some)
    ]
    scale = jnp.concatenate([part[0] for part in parts])[:count]
    volume = jnp.sum(jnp.stack([part[1] for part in parts]))
    if not np.isfinite(float(volume)):
        raise InputError(
            f"the matrix is not positive definite in blocks of {width} rows with ridge "
            f"{ridge:.1e}: raise the ridge, lower atol, or use float64."
        )
    where = jnp.asarray(place)
    return LowRankInverse(where, scale, *_inverted(scale, where, found.factor), volume)


def _members(
    labels: Int[np.ndarray, " n"], largest: int
) -> tuple[Int[np.ndarray, "g b"], Int[np.ndarray, " n"]]:
    """The rows of each group, -1 where it is short, and the place of each row."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    begins = np.flatnonzero(np.r_[True, sorted_labels[1:] != sorted_labels[:-1]])
    counts = np.diff(np.r_[begins, len(labels)])
    inside = np.arange(len(labels)) - np.repeat(begins, counts)
    # Pieces of the longest are of one length.
    longest = int(counts.max())
    width = -(-longest // -(-longest // largest))
    pieces = -(-counts // width)
    group = np.repeat(np.cumsum(pieces) - pieces, counts) + inside // width
    members = np.full((int(pieces.sum()), width), -1)
    members[group, inside % width] = order
    place = np.empty(len(labels), int)
    place[order] = group * width + inside % width
    return members, place


@eqx.filter_jit
def _roots(
    operator: AbstractOperator, factor: Array, members: Array, ridge: float
) -> tuple[Float[Array, "g b b"], Float[Array, ""]]:
    """Inverses of Cholesky factors of blocks, and the log determinant of them all."""
    identity = jnp.eye(members.shape[1], dtype=factor.dtype)

    def left(rows: Int[Array, " b"]) -> Float[Array, "b b"]:
        there = (rows >= 0).astype(factor.dtype)
        index = jnp.where(rows >= 0, rows, 0)
        rest = operator.block(index, index) - factor[index] @ factor[index].T
        rest = rest * there[:, None] * there[None, :]
        return (rest + rest.T) / 2 + jnp.diag(ridge * there + 1 - there)

    def inverted(matrix: Float[Array, "b b"]) -> tuple[Array, Array]:
        lower = jnp.linalg.cholesky(matrix)
        inverse = jax.scipy.linalg.solve_triangular(lower, identity, lower=True)
        return inverse, jnp.sum(jnp.log(jnp.diagonal(lower)))

    inverses, volumes = jax.lax.map(inverted, jax.vmap(left)(members))
    return inverses, jnp.sum(volumes)


@jax.jit
def _inverted(scale: Array, place: Array, factor: Array) -> tuple[Array, Array]:
    # Singular values from a QR factor keep the digits that squares would lose.
    inside = scaled(scale, place, factor, transposed=False)
    orthonormal, small = jnp.linalg.qr(inside)
    turned, values, _ = jnp.linalg.svd(small, full_matrices=False)
    return orthonormal @ turned, values**2
