"""A preconditioner for Kronecker sums: modes, and a subspace that they share."""

from typing import Any, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators import AbstractOperator, KroneckerSum


@final
class ModeInverse(AbstractOperator):
    r"""The inverse of $M = (I \otimes W)\, \mathrm{diag}_q(M_q)\, (I \otimes W^T)$.

    $W$ diagonalises the mean off-diagonal block $\sum_k \bar a_k B_k$ of
    $G + \lambda I$; in that basis the other blocks are nearly diagonal too, and what
    is off their diagonals is dropped. One matrix a mode is left,
    $K_q = \sum_k \beta_{kq} A_k + d_q I$, and all of them have much the same leading
    eigenvectors, spanned by the l columns of Q:

    $$M_q = Q (Q^T K_q Q) Q^T + t_q (I - Q Q^T),$$

    with $t_q$ the mean of what is left of the trace. Both are compressions of a
    positive definite matrix, so that $M$ is one.

    An application costs $4 n p (p + l) + 2 p l^2$ flops a vector, and the memory of
    $p$ matrices l x l.
    """

    basis: Float[Array, "p p"]
    subspace: Float[Array, "n l"]
    inner: Float[Array, "p l l"]
    outer: Float[Array, " p"]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        size = self.subspace.shape[0] * self.basis.shape[0]
        return size, size

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.basis.dtype

    def matmat(self, vectors: Float[Array, "np c"]) -> Float[Array, "np c"]:
        """The inverse, applied to c vectors at once."""
        n, p, c = self.subspace.shape[0], self.basis.shape[0], vectors.shape[1]
        given = jnp.swapaxes(vectors.reshape(n, p, c), 1, 2).reshape(n * c, p)
        modes = (given @ self.basis).reshape(n, c * p)
        inside = (self.subspace.T @ modes).reshape(-1, c, p)
        # What Q Q^T keeps gets the small inverse instead of 1 / t.
        change = jnp.einsum("qkl,lcq->kcq", self.inner, inside)
        change = change - inside / self.outer[None, None]
        spread = modes.reshape(n, c, p) / self.outer[None, None]
        back = (self.subspace @ change.reshape(-1, c * p)).reshape(n, c, p)
        result = (spread + back).reshape(n * c, p) @ self.basis.T
        return jnp.swapaxes(result.reshape(n, c, p), 1, 2).reshape(n * p, c)

    @property
    def T(self) -> "ModeInverse":
        """The transpose: it is symmetric."""
        return self

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        kept = jnp.einsum(
            "nk,qkl,nl->nq", self.subspace, self.inner, self.subspace, optimize=True
        )
        inside = jnp.sum(self.subspace**2, axis=1)
        modes = kept + (1 - inside)[:, None] / self.outer[None]
        return (modes @ (self.basis**2).T).reshape(-1)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        p = self.basis.shape[0]
        (i, s), (j, t) = ((index // p, index % p) for index in (rows, columns))
        left, right = self.subspace[i], self.subspace[j]
        kept = jnp.einsum("ak,qkl,bl->qab", left, self.inner, right, optimize=True)
        equal = (i[:, None] == j[None, :]).astype(self.dtype)
        rest = (equal - left @ right.T)[None] / self.outer[:, None, None]
        return jnp.einsum(
            "aq,qab,bq->ab", self.basis[s], kept + rest, self.basis[t], optimize=True
        )


@eqx.filter_jit
def mode_inverse(
    total: KroneckerSum, ridge: Float[Array, ""], rank: int
) -> ModeInverse:
    r"""Builds it for a square Kronecker sum plus `ridge` times the identity.

    Cost: $O(r p^3)$, six products of every $A_k$ with l vectors, and $O(p l^3)$.
    """
    n = total.left.shape[1]
    rank = min(rank, n)
    ones = jnp.ones((n, 1), total.dtype)
    means = jnp.sum(total.left.each(ones), axis=(1, 2)) / n
    values, basis = jnp.linalg.eigh(jnp.tensordot(means, total.right, 1))
    basis = basis[:, jnp.argsort(-jnp.abs(values))]
    strengths = jnp.stack([jnp.sum(basis * (b @ basis), axis=0) for b in total.right])
    weights = jnp.mean(total.weights, axis=1)
    own = jnp.tensordot(weights, total.blocks, 1)
    own = jnp.sum(basis * (own @ basis), axis=0) + ridge
    # The first mode's matrix has most of the sum's weight, and the others' subspace.
    subspace = _range(total, strengths[:, 0], rank)
    products = total.left.each(subspace)
    small = jnp.einsum("nk,rnl->rkl", subspace, products)
    inner = jnp.einsum("rq,rkl->qkl", strengths, small)
    inner = (inner + jnp.swapaxes(inner, 1, 2)) / 2
    values, vectors = jnp.linalg.eigh(inner)
    # Rounding may leave an eigenvalue below the ridge, which is below none of G's.
    values = values + own[:, None]
    values = jnp.where(values > ridge, values, ridge)
    inverse = jnp.einsum("qkm,qm,qlm->qkl", vectors, 1 / values, vectors)
    left = n * own - jnp.sum(values, axis=1)
    outer = left / max(n - rank, 1)
    outer = jnp.where(outer > ridge, outer, ridge)
    return ModeInverse(basis, subspace, inverse, outer)


def _range(
    total: KroneckerSum, strengths: Float[Array, " r"], rank: int
) -> Float[Array, "n l"]:
    """An orthonormal basis of the leading eigenvectors, by subspace iteration."""
    n = total.left.shape[1]
    start = np.random.default_rng(0).standard_normal((n, rank))
    vectors = jnp.asarray(start, total.dtype)
    for _ in range(3):
        vectors, _ = jnp.linalg.qr(vectors)
        weighted = strengths[:, None, None] * vectors[None]
        vectors = total.left.times(weighted)
    return jnp.linalg.qr(vectors)[0]
