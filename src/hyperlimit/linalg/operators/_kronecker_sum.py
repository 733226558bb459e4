"""Sums of Kronecker products with an exact block diagonal."""

from typing import Any, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators._base import AbstractOperator
from hyperlimit.linalg.operators._terms import AbstractTerms

# Entries of the diagonal of a sum that is not square that are made at a time.
_ENTRIES = 256


@final
class KroneckerSum(AbstractOperator):
    r"""$\sum_k A_k \otimes B_k + \sum_s \mathrm{diag}(w_s) \otimes D_s$.

    A product with c vectors costs $2 r c\,(m n q + n p q)$ flops for r terms $A_k$
    (m, n) and $B_k$ (q, p), against $2 c\,m q n p$ for the dense matrix. With exact
    blocks on the diagonal, the $A_k$ are square and have none of their own.

    Attributes:
        left: the A_k.
        right: the B_k, (r, q, p).
        weights: w, (s, n); s = 0 without exact blocks.
        blocks: D, (s, q, p).
    """

    left: AbstractTerms
    right: Float[Array, "r q p"]
    weights: Float[Array, "s n"]
    blocks: Float[Array, "s q p"]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        (_, m, n), (_, q, p) = self.left.shape, self.right.shape
        return m * q, n * p

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.right.dtype

    def matmat(self, vectors: Float[Array, "np c"]) -> Float[Array, "mq c"]:
        """The product with c vectors at once."""
        (_, m, n), (r, q, p) = self.left.shape, self.right.shape
        columns = vectors.shape[1]
        # Coordinates last: every product below is one of two matrices.
        given = jnp.swapaxes(vectors.reshape(n, p, columns), 1, 2)
        flat = given.reshape(n * columns, p)
        right, blocks, weights = (
            part.astype(vectors.dtype)
            for part in (self.right, self.blocks, self.weights)
        )
        if q < p:
            # Fewer numbers go through the left factors.
            fewer = jax.lax.map(lambda b: flat @ b.T, right)
            total = self.left.times(fewer.reshape(r, n, columns * q))
        else:
            total = self.left.between(flat.reshape(n, columns * p), right)
        total = total.reshape(m, columns, q)
        for weight, block in zip(weights, blocks, strict=True):
            own = (flat @ block.T).reshape(n, columns, q)
            total = total + weight[:, None, None] * own
        return jnp.swapaxes(total, 1, 2).reshape(m * q, columns)

    @property
    def T(self) -> "KroneckerSum":
        """The transpose."""
        return KroneckerSum(
            self.left.T,
            jnp.swapaxes(self.right, 1, 2),
            self.weights,
            jnp.swapaxes(self.blocks, 1, 2),
        )

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        count = min(self.shape)
        (_, m, n), (_, q, p) = self.left.shape, self.right.shape
        if (m, q) == (n, p):
            left, right = self.left.diagonals(), jnp.diagonal(self.right, 0, 1, 2)
            own = jnp.diagonal(self.blocks, 0, 1, 2)
            both = jnp.einsum("ki,kp->ip", left, right)
            return (both + jnp.einsum("si,sp->ip", self.weights, own)).reshape(-1)
        return jax.lax.map(
            lambda i: self.block(i[None], i[None])[0, 0],
            jnp.arange(count),
            batch_size=_ENTRIES,
        )

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        (i, p), (j, q) = self._places(rows, 0), self._places(columns, 1)
        left = self.left.entries(i, j)
        right = self.right[:, p[:, None], q[None, :]]
        found = jnp.sum(left * right, axis=0)
        return found + self._own(rows[:, None], columns[None, :])

    def _own(self, rows: Array, columns: Array) -> Array:
        """What the exact blocks add to entries."""
        (i, p), (j, q) = self._places(rows, 0), self._places(columns, 1)
        if not len(self.weights):
            return jnp.zeros((), self.dtype)
        i, j, p, q = jnp.broadcast_arrays(i, j, p, q)
        own = jnp.sum(self.weights[:, i] * self.blocks[:, p, q], axis=0)
        return jnp.where(i == j, own, 0)

    def _places(self, index: Array, side: int) -> tuple[Array, Array]:
        """Of which image, and at which coordinate."""
        size = self.right.shape[1 + side]
        return index // size, index % size
