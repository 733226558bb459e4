"""The sharded preconditioner, found where the images are."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import AbstractTerms
from hyperlimit.linalg.sharded._image_rows import AXIS, ImageRows, unstacked
from hyperlimit.linalg.sharded._kronecker_inverse import (
    ShardedKroneckerInverse,
    dealt_out,
)
from hyperlimit.linalg.sharded._kronecker_sum import ShardedKroneckerSum
from hyperlimit.linalg.solvers import coordinate_modes

# Products that the subspace of leading eigenvectors is found by.
_PRODUCTS = 3
# Random vectors for the inner products of the left factors.
_PROBES = 64


def sharded_kronecker_inverse(
    total: ShardedKroneckerSum, ridge: float, rank: int
) -> ShardedKroneckerInverse:
    r"""A preconditioner for $G + \lambda I$, of l vectors over the images.

    What `kronecker_inverse` does, without any n x n matrix: Q has the Ritz vectors of
    $A_1$ in a subspace that is found by iteration, with rows where the images are. The
    iteration is with $A_1 + I / \beta$, $\beta$ the largest eigenvalue of $B_1$ in W's
    basis: $A_1$ has no diagonal, and by itself would give the eigenvectors of its most
    negative eigenvalues as leading ones.

    Args:
        total: G, a symmetric sum with exact blocks, positive semidefinite.
        ridge: the noise, positive if the blocks D are singular.
        rank: l, at most n.

    Cost: five products of left factors with l vectors, each a message of n l numbers;
    $O(n l^2 / R + R\, l^3 + r p^3)$ flops and the memory of $n l + 4\, l (n/R + l)$
    numbers a rank.
    """
    layout, dtype = total.layout, total.dtype
    rank = min(rank, layout.images)
    seen = [np.asarray(part, np.float64) for part in _seen(total)]
    products, mean, right, blocks = seen
    modes = coordinate_modes(products, right, mean, blocks, ridge)
    combinations = jnp.asarray(modes.combinations, dtype)
    shift = jnp.asarray(modes.shift, dtype)
    images, *small = _leading(total, combinations, shift, rank)
    forms, shares = (np.asarray(part, np.float64) for part in small)
    found, outer = modes.diagonal(forms, shares, mean, layout.images)
    numbers = (modes.basis, outer, np.asarray(modes.log_volume))
    others = tuple(part.astype(dtype) for part in numbers)
    return dealt_out(images, found.astype(dtype), others, layout)


@eqx.filter_jit
def _seen(total: ShardedKroneckerSum) -> tuple[Array, ...]:
    """<A_k, A_l>, the means of the weights, and the right factors, everywhere."""
    layout = total.layout
    probes = _draws(layout, min(layout.images, _PROBES), total.dtype)

    def of_rank(own: AbstractTerms, weights: Array, probes: Array) -> tuple[Array, ...]:
        every = jax.lax.all_gather(probes, AXIS, tiled=True)[: layout.images]
        found = unstacked(own).each(every)
        found = jnp.where(layout.own()[1][None, :, None], found, 0)
        products = jnp.einsum("knw,lnw->kl", found, found) / probes.shape[1]
        means = jnp.sum(weights[0], axis=1) / layout.images
        return jax.lax.psum((products, means), AXIS)

    products, means = jax.shard_map(
        of_rank,
        mesh=layout.mesh,
        in_specs=(P(AXIS), P(AXIS), P(AXIS)),
        out_specs=P(),
        check_vma=False,
    )(total.own, total.weights, probes)
    return products, means, total.right, total.blocks


@eqx.filter_jit
def _leading(
    total: ShardedKroneckerSum,
    combinations: Float[Array, "j r"],
    shift: Float[Array, ""],
    rank: int,
) -> tuple[Array, Array, Array]:
    """Q, the q_i^T A_j q_i, (j, l), and the sums of w q_i^2, (s, l), everywhere."""
    layout = total.layout
    images = _orthonormal(layout, _draws(layout, rank, total.dtype))
    for _ in range(_PRODUCTS):
        images = _orthonormal(layout, _product(total, combinations[0], shift, images))

    def of_rank(
        own: AbstractTerms, weights: Array, combinations: Array, images: Array
    ) -> tuple[Array, Array, Array]:
        every = jax.lax.all_gather(images, AXIS, tiled=True)[: layout.images]
        products = unstacked(own).combined(combinations).each(every)
        mine = jnp.where(layout.own()[1][:, None], images, 0)
        small = jax.lax.psum(jnp.einsum("nk,jnl->jkl", mine, products), AXIS)
        turn = jnp.linalg.eigh((small[0] + small[0].T) / 2)[1]
        forms = jnp.einsum("kl,jkm,ml->jl", turn, small, turn, optimize=True)
        turned = mine @ turn
        shares = jax.lax.psum(weights[0] @ turned**2, AXIS)
        # Columns of zeros, so that every rank has as many rows of L.
        extra = -turned.shape[1] % layout.ranks
        return jnp.pad(turned, ((0, 0), (0, extra))), forms, shares

    return jax.shard_map(
        of_rank,
        mesh=layout.mesh,
        in_specs=(P(AXIS), P(AXIS), P(), P(AXIS)),
        out_specs=(P(AXIS), P(), P()),
        check_vma=False,
    )(total.own, total.weights, combinations, images)


def _product(
    total: ShardedKroneckerSum,
    weights: Float[Array, " r"],
    shift: Float[Array, ""],
    vectors: Float[Array, "N l"],
) -> Float[Array, "N l"]:
    """(sum_k w_k A_k + shift) V."""
    layout = total.layout

    def of_rank(
        own: AbstractTerms, weights: Array, shift: Array, vectors: Array
    ) -> Array:
        every = jax.lax.all_gather(vectors, AXIS, tiled=True)[: layout.images]
        found = unstacked(own).combined(weights[None]).times(every[None])
        found = jnp.where(layout.own()[1][:, None], found, 0)
        return found + shift * vectors

    return jax.shard_map(
        of_rank,
        mesh=layout.mesh,
        in_specs=(P(AXIS), P(), P(), P(AXIS)),
        out_specs=P(AXIS),
        check_vma=False,
    )(total.own, weights, shift, vectors)


def _draws(layout: ImageRows, count: int, dtype: Any) -> Float[Array, "N w"]:
    """Random signs, an image's being the same on any number of ranks."""

    def of_rank() -> Array:
        index, there = layout.own()
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), index)
        found = jax.vmap(lambda key: jax.random.rademacher(key, (count,), dtype))(keys)
        return jnp.where(there[:, None], found, 0)

    return jax.shard_map(
        of_rank, mesh=layout.mesh, in_specs=(), out_specs=P(AXIS), check_vma=False
    )()


def _orthonormal(
    layout: ImageRows, vectors: Float[Array, "N l"]
) -> Float[Array, "N l"]:
    """An orthonormal basis of the columns: QR of every rank's rows, then of those R."""

    def of_rank(vectors: Array) -> Array:
        rows, small = jnp.linalg.qr(vectors)
        every = jax.lax.all_gather(small, AXIS, tiled=True)
        turn, _ = jnp.linalg.qr(every)
        first = jax.lax.axis_index(AXIS) * len(small)
        mine = jax.lax.dynamic_slice_in_dim(turn, first, len(small))
        return rows @ mine

    return jax.shard_map(
        of_rank,
        mesh=layout.mesh,
        in_specs=P(AXIS),
        out_specs=P(AXIS),
        check_vma=False,
    )(vectors)
