"""The preconditioner of Kronecker sums: diagonal in a Kronecker product of bases."""

from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators import AbstractTerms, KroneckerSum, StreamedTerms
from hyperlimit.linalg.solvers._coordinate_modes import coordinate_modes
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# Products that the subspace of leading eigenvectors is found by.
_PRODUCTS = 3


@final
class KroneckerInverse(AbstractPreconditioner):
    r"""$M^{-1} = (Q \otimes W)\, \mathrm{diag}(1 / L)\, (Q \otimes W)^T$.

    $A_1 \otimes B_1$ is the Kronecker product nearest to $\sum_k A_k \otimes B_k$ in
    the Frobenius norm, Q has the eigenvectors of $A_1$, and W diagonalises $B_1$ and
    $R = \sum_s \bar w_s D_s + \lambda I$ together, $W^T R W = I$: the sum of these two
    terms is inverted exactly. In place of its eigenvalues stand the diagonal entries
    of $(Q \otimes W)^T (G + \lambda I) (Q \otimes W)$, which see the next few nearest
    products too: the nearest diagonal, and positive because it is a compression.

    With l < n columns in Q, its complement gets one number a column of W, the mean of
    what is left of the trace.

    An application costs $4 n p (p + l)$ flops a vector.

    Attributes:
        images: Q, (n, l).
        coordinates: W, (p, p).
        inner: L, (l, p).
        outer: of the complement, (p,).
        log_volume: of W, log |det W|.
    """

    images: Float[Array, "n l"]
    coordinates: Float[Array, "p p"]
    inner: Float[Array, "l p"]
    outer: Float[Array, " p"]
    log_volume: Float[Array, ""]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        size = self.images.shape[0] * self.coordinates.shape[0]
        return size, size

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.coordinates.dtype

    def matmat(self, vectors: Float[Array, "np c"]) -> Float[Array, "np c"]:
        """M^{-1}, applied to c vectors at once."""
        modes = self._to_modes(vectors)
        done = self._on_modes(modes, 1 / self.inner, 1 / self.outer)
        return self._from_modes(done)

    def root(self, vectors: Float[Array, "np c"]) -> Float[Array, "np c"]:
        """S v, with S = (Q diag(L)^{-1/2} Q^T + complement) x W."""
        p, n = self.coordinates.shape[0], self.images.shape[0]
        given = vectors.reshape(n, p, -1)
        modes = jnp.swapaxes(given, 1, 2)
        return self._from_modes(self._on_modes(modes, *self._roots()))

    def root_transposed(self, vectors: Float[Array, "np c"]) -> Float[Array, "np c"]:
        """S^T v."""
        done = self._on_modes(self._to_modes(vectors), *self._roots())
        return jnp.swapaxes(done, 1, 2).reshape(vectors.shape)

    def log_determinant(self) -> Float[Array, ""]:
        """Of M."""
        n, rank = self.images.shape
        found = jnp.sum(jnp.log(self.inner))
        found = found + (n - rank) * jnp.sum(jnp.log(self.outer))
        return found - 2 * n * self.log_volume

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        squares = self.images**2
        rest = 1 - jnp.sum(squares, axis=1)
        modes = squares @ (1 / self.inner)
        if self.truncated:
            modes = modes + rest[:, None] / self.outer[None, :]
        return (modes @ (self.coordinates**2).T).reshape(-1)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        p = self.coordinates.shape[0]
        (i, s), (j, t) = ((index // p, index % p) for index in (rows, columns))
        left, right = self.images[i], self.images[j]
        one, two = self.coordinates[s], self.coordinates[t]
        kept = jnp.einsum(
            "al,lq,bl,aq,bq->ab", left, 1 / self.inner, right, one, two, optimize=True
        )
        if not self.truncated:
            return kept
        rest = (i[:, None] == j[None, :]).astype(self.dtype) - left @ right.T
        return kept + rest * ((one / self.outer[None]) @ two.T)

    def image_inverses(self, vectors: Float[Array, "n p c"]) -> Float[Array, "n p c"]:
        r"""$[(M^{-1})_{ii}]^{-1} v_i$ for the diagonal block of every image i."""
        squares = self.images**2
        modes = squares @ (1 / self.inner)
        if self.truncated:
            rest = 1 - jnp.sum(squares, axis=1)
            modes = modes + rest[:, None] / self.outer[None, :]
        back = jnp.linalg.inv(self.coordinates)
        inside = jnp.einsum("qp,npc->nqc", back, vectors) / modes[..., None]
        return jnp.einsum("qp,nqc->npc", back, inside)

    @property
    def truncated(self) -> bool:
        """Whether Q leaves a complement."""
        return self.images.shape[1] < self.images.shape[0]

    def _roots(self) -> tuple[Array, Array]:
        return jax.lax.rsqrt(self.inner), jax.lax.rsqrt(self.outer)

    def _to_modes(self, vectors: Float[Array, "np c"]) -> Float[Array, "n c p"]:
        n, p, c = self.images.shape[0], self.coordinates.shape[0], vectors.shape[1]
        given = jnp.swapaxes(vectors.reshape(n, p, c), 1, 2)
        return (given.reshape(n * c, p) @ self.coordinates).reshape(n, c, p)

    def _from_modes(self, modes: Float[Array, "n c p"]) -> Float[Array, "np c"]:
        n, c, p = modes.shape
        found = modes.reshape(n * c, p) @ self.coordinates.T
        return jnp.swapaxes(found.reshape(n, c, p), 1, 2).reshape(n * p, c)

    def _on_modes(
        self,
        modes: Float[Array, "n c p"],
        inner: Float[Array, "l p"],
        outer: Float[Array, " p"],
    ) -> Float[Array, "n c p"]:
        n, c, p = modes.shape
        inside = (self.images.T @ modes.reshape(n, c * p)).reshape(-1, c, p)
        if not self.truncated:
            return (self.images @ (inside * inner[:, None]).reshape(-1, c * p)).reshape(
                n, c, p
            )
        change = inside * (inner - outer[None])[:, None]
        back = (self.images @ change.reshape(-1, c * p)).reshape(n, c, p)
        return modes * outer[None, None] + back


def kronecker_inverse(
    total: KroneckerSum, ridge: float, rank: int | None = None
) -> KroneckerInverse:
    r"""Builds it for a square, symmetric Kronecker sum plus `ridge` on the diagonal.

    Args:
        total: a sum with exact blocks, positive semidefinite.
        ridge: the noise, positive if the blocks D are singular.
        rank: l, the columns of Q; all n by default, by one eigendecomposition. Fewer
            come from a randomised subspace iteration.

    Cost: $O(r p^3)$ in double precision; $9 n^3$ flops for the eigenvectors, or
    $6 n^2 l$ for a subspace; $8 n^2 l$ for the diagonal.

    References:
        Van Loan and Pitsianis, *Approximation with Kronecker Products*, 1993, for the
        nearest product; George et al., *Fast Approximate Natural Gradient Descent in a
        Kronecker-factored Eigenbasis*, NeurIPS 2018, for the diagonal.
    """
    n = total.left.shape[1]
    rank = n if rank is None else min(rank, n)
    weights, right, blocks = (
        np.asarray(part, np.float64)
        for part in (total.weights, total.right, total.blocks)
    )
    mean = weights.mean(axis=1)
    products = np.asarray(_inner_products(total.left), np.float64)
    modes = coordinate_modes(products, right, mean, blocks, ridge)
    terms = [
        _combined(total.left, jnp.asarray(u[None], total.dtype))
        for u in modes.combinations
    ]
    images = _images(terms[0], jnp.asarray(modes.shift, total.dtype), rank)
    forms = np.stack([np.asarray(_forms(term, images), np.float64) for term in terms])
    shares = weights @ np.asarray(images, np.float64) ** 2
    found, outer = modes.diagonal(forms, shares, mean, n)
    numbers = (modes.basis, found, outer, modes.log_volume)
    return KroneckerInverse(images, *(jnp.asarray(v, total.dtype) for v in numbers))


@eqx.filter_jit
def _inner_products(left: AbstractTerms) -> Float[Array, "r r"]:
    """<A_k, A_l>, from random vectors: a preconditioner needs no more of them."""
    n = left.shape[1]
    draw = np.random.default_rng(0).choice([-1.0, 1.0], (n, min(n, 64)))
    products = left.each(jnp.asarray(draw, left.dtype))
    return jnp.einsum("knw,lnw->kl", products, products) / draw.shape[1]


@eqx.filter_jit
def _combined(left: AbstractTerms, weights: Float[Array, "j r"]) -> AbstractTerms:
    return left.combined(weights)


@eqx.filter_jit
def _forms(term: AbstractTerms, images: Float[Array, "n l"]) -> Float[Array, " l"]:
    """q_i^T A q_i."""
    return jnp.sum(images * term.times(images[None]), axis=0)


def _images(
    first: AbstractTerms, shift: Float[Array, ""], rank: int
) -> Float[Array, "n l"]:
    """Leading Ritz vectors of a matrix, or all of its eigenvectors.

    Iterated is the matrix with `shift` on its diagonal: else eigenvalues far below
    zero would be taken for leading ones.
    """
    n = first.shape[1]
    if rank == n:
        matrix = np.array(_whole(first))
        # The host's solver: XLA's holds the matrix three times.
        vectors = scipy.linalg.eigh(matrix, driver="evd", overwrite_a=True)[1]
        return jnp.asarray(vectors)
    start = np.random.default_rng(0).standard_normal((n, rank))
    vectors = jnp.asarray(start, first.dtype)
    for _ in range(_PRODUCTS):
        vectors = _product(first, shift, _orthonormal(vectors))
    vectors = _orthonormal(vectors)
    small = vectors.T @ _product(first, shift, vectors)
    return vectors @ jnp.linalg.eigh((small + small.T) / 2)[1]


@eqx.filter_jit
def _whole(term: AbstractTerms) -> Float[Array, "n n"]:
    """The one matrix; of streamed factors, no more than a block is there at a time."""
    if isinstance(term, StreamedTerms):
        return term.kept().terms[0]
    return term.entries(jnp.arange(term.shape[1]), jnp.arange(term.shape[2]))[0]


_orthonormal = jax.jit(lambda v: jnp.linalg.qr(v)[0])


@eqx.filter_jit
def _product(
    term: AbstractTerms, shift: Float[Array, ""], vectors: Float[Array, "n w"]
) -> Float[Array, "n w"]:
    return term.times(vectors[None]) + shift * vectors
