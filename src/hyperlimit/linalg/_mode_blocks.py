"""A Kronecker sum made block diagonal in an eigenbasis of its right factors."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.linalg._kronecker_sum import KroneckerSum
from hyperlimit.numerics import clipped


class ModeBlocks(eqx.Module):
    r"""$M = (I \otimes W)\,\mathrm{blockdiag}_q(K_q)\,(I \otimes W^T)$ and its inverse.

    $W$ diagonalises the mean off-diagonal block $\sum_k \bar a_k B_k$; in that basis
    the other blocks of $G = \sum_k A_k \otimes B_k + I \otimes D + \lambda I$ are
    nearly diagonal too, and dropping what is off the diagonal leaves one n x n matrix
    a mode, $K_q = \sum_k (W^T B_k W)_{qq} A_k + ((W^T D W)_{qq} + \lambda) I$. Each
    is a compression of $G$, so positive definite if $G$ is.

    The first modes, as many as the memory budget holds, keep their exact inverses;
    the rest share the eigenvectors of the mean $\sum_k \bar b_k A_k$.
    """

    basis: Float[Array, "p p"]
    strengths: Float[Array, "r p"]
    inverses: Float[Array, "m n n"]
    vectors: Float[Array, "n n"]
    damping: Float[Array, "n rest"]

    def __call__(self, vectors: Float[Array, "n p c"]) -> Float[Array, "n p c"]:
        """The inverse of M, applied."""
        modes = jnp.einsum("pq,npc->nqc", self.basis, vectors)
        kept = self.inverses.shape[0]
        first = jnp.einsum("qij,jqc->iqc", self.inverses, modes[:, :kept])
        rest = jnp.einsum("ji,jqc->iqc", self.vectors, modes[:, kept:])
        rest = jnp.einsum("ij,jqc->iqc", self.vectors, rest / self.damping[:, :, None])
        return jnp.einsum(
            "pq,nqc->npc", self.basis, jnp.concatenate([first, rest], axis=1)
        )

    def quadratic_forms(
        self, left: Float[Array, "r m n"], right: Float[Array, "r q p"]
    ) -> Float[Array, "m q"]:
        r"""$k^T M^{-1} k$ for $k = \sum_j a_j \otimes b_j$, for all m and q at once."""
        return jnp.concatenate(
            [_quadratic_forms(self, part, right) for part in _parts(left)]
        )


def _parts(left: Float[Array, "r m n"], size: int = 16) -> list[Array]:
    return [left[:, start : start + size] for start in range(0, left.shape[1], size)]


@eqx.filter_jit
def _quadratic_forms(
    blocks: ModeBlocks, left: Float[Array, "r m n"], right: Float[Array, "r q p"]
) -> Float[Array, "m q"]:
    kept = blocks.inverses.shape[0]
    # In the modes, k has the coefficients sum_j a_j (b_j . w_q): a small form in j.
    coordinates = jnp.einsum("rqp,ps->rqs", right, blocks.basis)

    def form(inverse: Array) -> Array:
        return jnp.einsum("jmi,ik,lmk->mjl", left, inverse, left)

    first = jax.lax.map(form, blocks.inverses)
    turned = jnp.einsum("jmi,ik->jmk", left, blocks.vectors)
    rest = jnp.einsum("jmk,lmk,ks->smjl", turned, turned, 1 / blocks.damping)
    forms = jnp.concatenate([first, rest]) if kept else rest

    def row(form: Array) -> Array:
        return jnp.einsum("jqs,lqs,sjl->q", coordinates, coordinates, form)

    return jax.lax.map(row, jnp.moveaxis(forms, 1, 0))


@eqx.filter_jit
def mode_blocks(total: KroneckerSum, ridge: Float[Array, ""], kept: int) -> ModeBlocks:
    """Builds M from a Kronecker sum plus `ridge` times the identity.

    Cost O(r p^3 + kept n^3) once, and O(kept n^2 + p n (n + p)) an application; the
    memory of `kept` n x n matrices.
    """
    n, p = total.left.shape[1], total.block.shape[0]
    kept = min(kept, p)
    weights = jnp.sum(total.left, axis=(1, 2)) / max(n * (n - 1), 1)
    values, basis = jnp.linalg.eigh(jnp.tensordot(weights, total.right, 1))
    basis = basis[:, jnp.argsort(-jnp.abs(values))]
    strengths = jnp.stack(
        [jnp.sum(basis * (right @ basis), axis=0) for right in total.right]
    )
    own = jnp.sum(basis * (total.block @ basis), axis=0) + ridge

    def inverse(mode: tuple[Array, Array]) -> Array:
        strength, diagonal = mode
        block = jnp.tensordot(strength, total.left, 1) + diagonal * jnp.eye(
            n, dtype=strength.dtype
        )
        factor = jnp.linalg.cholesky(block)
        half = jax.scipy.linalg.solve_triangular(
            factor, jnp.eye(n, dtype=strength.dtype), lower=True
        )
        return half.T @ half

    inverses = jax.lax.map(inverse, (strengths.T[:kept], own[:kept]))
    # The rest: K_q is about b_q Abar + own_q, b_q by least squares over the A_k.
    products = jnp.einsum("kij,lij->kl", total.left, total.left)
    mean = jnp.mean(jnp.abs(strengths), axis=1)
    average = jnp.tensordot(mean, total.left, 1)
    share = (mean @ products @ strengths) / clipped(mean @ products @ mean, low=1e-30)
    spectrum, vectors = jnp.linalg.eigh(average)
    damping = spectrum[:, None] * share[None, kept:] + own[None, kept:]
    damping = clipped(damping, low=ridge)
    return ModeBlocks(basis, strengths, inverses, vectors, damping)
