"""Sums of Kronecker products with an exact block diagonal."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class KroneckerSum(eqx.Module):
    r"""$\sum_k A_k \otimes B_k + I \otimes D$, acting on arrays (n, p, c).

    The $A_k$ have zero diagonals, so that $D$ is the whole of every diagonal block.
    A product costs $2 r n p (n + p) c$ flops for r terms, against $2 (n p)^2 c$ for
    the dense matrix, and the memory of its factors.
    """

    left: Float[Array, "r n n"]
    right: Float[Array, "r p p"]
    block: Float[Array, "p p"]

    def __matmul__(self, vectors: Float[Array, "n p c"]) -> Float[Array, "n p c"]:
        """The product with c vectors at once."""
        n, p, columns = vectors.shape
        flat = vectors.reshape(n, p * columns)
        total = jnp.einsum("qp,npc->nqc", self.block, vectors)
        for a, b in zip(self.left, self.right, strict=True):
            total = total + jnp.einsum("qp,npc->nqc", b, (a @ flat).reshape(n, p, -1))
        return total

    def as_matrix(self) -> Float[Array, "np np"]:
        """The dense matrix, (n p, n p): for small problems and tests."""
        n, p = self.left.shape[1], self.block.shape[0]
        total = jnp.einsum("kij,kpq->ipjq", self.left, self.right)
        total = total + jnp.einsum("ij,pq->ipjq", jnp.eye(n), self.block)
        return total.reshape(n * p, n * p)
