r"""What a few linear combinations of the training functions explain of a new one.

With orthonormal columns C (n, l) the values $(C \otimes I)^T y$ are l functions at all
coordinates, and their Gram matrix is one of l p rows. Whatever C is,

$$k^T (G + \lambda I)^{-1} k = \max_v 2 k^T v - v^T (G + \lambda I) v,$$

and they explain the maximum over $v = (C \otimes I) u$: never more.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.linalg import ridged_cholesky
from hyperlimit.linalg.operators import (
    AbstractTerms,
    KroneckerSum,
    StreamedTerms,
)
from hyperlimit.linalg.solvers import KroneckerInverse
from hyperlimit.regression._grid_dense import explained_by

# Coordinate modes whose solutions combinations are sought among.
_MODES = 24
# Combinations, of all images that go together.
_TOGETHER = 128


def explained_by_combinations(
    gram: KroneckerSum,
    noise: float,
    inverse: KroneckerInverse,
    cross: KroneckerSum,
    values: int,
) -> Float[Array, "m q"]:
    r"""Of every new image and coordinate, by combinations with so many values.

    They span nearly what $M^{-1} k$ does, for the preconditioner M: its solutions in a
    few of its coordinate modes, the largest singular vectors of these together.
    """
    (_, m, n), (r, _, p) = cross.left.shape, cross.right.shape
    count = max(1, min(n, values // p, r * min(p, _MODES)))
    step = max(1, _TOGETHER // count)
    found = []
    for start in range(0, m, step):
        # The last part repeats its last image, so that all have one shape.
        index = jnp.asarray(np.minimum(np.arange(start, start + step), m - 1))
        left = _rows(cross.left, index)
        chosen = _combinations(inverse, left, cross.right, count)
        products, weights = _projected(gram, chosen)
        for image in range(min(step, m - start)):
            matrix, columns = _small(
                gram, products[image], weights[image], left[:, image],
                chosen[image], cross.right,
            )  # fmt: skip
            factor = ridged_cholesky(matrix, noise, f"{len(matrix)} combined values")
            found.append(explained_by(factor, columns))
    return jnp.stack(found)


@eqx.filter_jit
def _rows(left: AbstractTerms, index: Int[Array, " b"]) -> Float[Array, "r b n"]:
    """Whole rows of left factors; streamed ones are made for these images alone."""
    some = left.rows(index)
    if isinstance(some, StreamedTerms):
        return some.kept().terms
    return some.entries(jnp.arange(some.shape[1]), jnp.arange(some.shape[2]))


@eqx.filter_jit
def _combinations(
    inverse: KroneckerInverse,
    left: Float[Array, "r b n"],
    right: Float[Array, "r q p"],
    count: int,
) -> Float[Array, "b n l"]:
    """Orthonormal, of every image its own."""
    p = inverse.coordinates.shape[0]
    modes = jnp.linspace(0, p - 1, min(p, _MODES)).round().astype(int)
    turned = jnp.einsum("rqp,ps->rqs", right, inverse.coordinates[:, modes])
    sizes, bases = jax.lax.map(
        jnp.linalg.eigh, jnp.einsum("rqs,tqs->srt", turned, turned)
    )
    roots = bases * jnp.sqrt(jnp.where(sizes > 0, sizes, 0))[:, None, :]
    inner, outer = inverse.inner[:, modes], inverse.outer[modes]
    # In the energy's norm, as a mean coordinate mode has it.
    scale, rest = jnp.sqrt(jnp.mean(inner, axis=1)), jnp.sqrt(jnp.mean(outer))

    def one(rows: Float[Array, "r n"]) -> Float[Array, "n l"]:
        inside = inverse.images.T @ rows.T
        seen = jnp.einsum("lr,srt->lst", inside, roots) / inner[..., None]
        seen = (scale[:, None, None] * seen).reshape(len(scale), -1)
        if not inverse.truncated:
            vectors = jnp.linalg.svd(seen, full_matrices=False)[0][:, :count]
            chosen = inverse.images @ (vectors / scale[:, None])
            return jnp.linalg.qr(chosen)[0]
        outside = rows.T - inverse.images @ inside
        other = jnp.einsum("nr,srt->nst", outside, roots) / outer[None, :, None]
        other = (rest * other).reshape(len(outside), -1)
        both = jnp.concatenate([seen, other])
        vectors = jnp.linalg.svd(both, full_matrices=False)[0][:, :count]
        chosen = inverse.images @ (vectors[: len(scale)] / scale[:, None])
        return jnp.linalg.qr(chosen + vectors[len(scale) :] / rest)[0]

    return jax.lax.map(one, jnp.moveaxis(left, 1, 0))


@eqx.filter_jit
def _projected(
    gram: KroneckerSum, chosen: Float[Array, "b n l"]
) -> tuple[Float[Array, "b r l l"], Float[Array, "b s l l"]]:
    """C^T A_k C and C^T diag(w_s) C, with one product by every A_k for all images."""
    b, n, count = chosen.shape
    beside = jnp.moveaxis(chosen, 0, 1).reshape(n, b * count)
    images = gram.left.each(beside).reshape(-1, n, b, count)
    products = jnp.einsum("bnl,rnbm->brlm", chosen, images)
    weights = jnp.einsum("bnl,sn,bnm->bslm", chosen, gram.weights, chosen)
    return products, weights


@eqx.filter_jit
def _small(
    gram: KroneckerSum,
    products: Float[Array, "r l l"],
    weights: Float[Array, "s l l"],
    left: Float[Array, "t n"],
    chosen: Float[Array, "n l"],
    right: Float[Array, "t q p"],
) -> tuple[Float[Array, "lp lp"], Float[Array, "lp q"]]:
    """The combinations' Gram matrix, and what they have to do with the new values."""
    count, p = chosen.shape[1], gram.right.shape[1]
    whole = jnp.einsum("rlm,rpq->lpmq", products, gram.right)
    whole = whole + jnp.einsum("slm,spq->lpmq", weights, gram.blocks)
    columns = jnp.einsum("tl,tqp->lpq", left @ chosen, right)
    size = count * p
    return whole.reshape(size, size), columns.reshape(size, -1)
