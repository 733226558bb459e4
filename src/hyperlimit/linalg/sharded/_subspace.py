"""The preconditioner's modes, found where the images are."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import AbstractTerms
from hyperlimit.linalg.sharded._image_rows import AXIS, ImageRows, unstacked
from hyperlimit.linalg.sharded._kronecker_sum import ShardedKroneckerSum
from hyperlimit.linalg.sharded._mode_inverse import ShardedModeInverse

# Products with all left factors before the subspace is taken for the leading one.
_STEPS = 3


def sharded_mode_inverse(
    total: ShardedKroneckerSum, ridge: Float[Array, ""], rank: int
) -> ShardedModeInverse:
    r"""A preconditioner for $G + \lambda I$, of l vectors over the images.

    W diagonalises the mean off-diagonal block $\sum_k \bar a_k B_k$, with
    $\beta_{kq} = w_q^T B_k w_q$. Q spans the leading eigenvectors of the first mode's
    $\sum_k \beta_{k1} A_k + d_1 I$, by subspace iteration, and consists of its Ritz
    vectors:

    $$L_{iq} = \sum_k \beta_{kq}\, q_i^T A_k q_i + d_q + \lambda, \qquad
      t_q = \frac{\operatorname{tr} K_q - \sum_i L_{iq}}{n - l},$$

    the trace being known, so that no n x n matrix is ever formed or decomposed.

    Args:
        total: G, symmetric and positive semidefinite.
        ridge: the noise.
        rank: l, at most n.

    Cost: 5 products of every $A_k$ with l vectors, each a message of n l numbers;
    $O(n l^2 / R + R\, l^3 + r p^3)$ flops a rank, and the memory of $n l$ and
    $r l (n / R + l)$ numbers.
    """
    found = _found(total, ridge, min(rank, total.layout.images))
    basis, subspace, change, rest = found
    layout = total.layout
    rows, everywhere = layout.sharding(P(AXIS, None)), layout.sharding(P())
    put = jax.jit(_same, out_shardings=(everywhere, rows, rows, everywhere))
    return ShardedModeInverse(*put((basis, subspace, change, rest)), layout)


@eqx.filter_jit
def _found(
    total: ShardedKroneckerSum, ridge: Array, rank: int
) -> tuple[Array, Array, Array, Array]:
    layout, dtype = total.layout, total.dtype
    n = layout.images
    ones = jnp.ones((layout.padded, 1), dtype)
    means = _compressed(total, ones)[:, 0, 0] / n
    values, basis = jnp.linalg.eigh(jnp.tensordot(means, total.right, 1))
    basis = basis[:, jnp.argsort(-jnp.abs(values))]
    strengths = jnp.stack([jnp.sum(basis * (b @ basis), axis=0) for b in total.right])
    mean_weights = jnp.sum(total.weights, axis=(0, 2)) / n
    block = jnp.tensordot(mean_weights, total.blocks, 1)
    own = jnp.sum(basis * (block @ basis), axis=0) + ridge

    subspace = _orthonormal(layout, _start(layout, rank, dtype))
    for _ in range(_STEPS):
        # With its own part, which makes the mode's matrix positive: else the smallest
        # eigenvalues of what has no diagonal count as large ones.
        image = _weighted(total, strengths[:, 0], subspace) + own[0] * subspace
        subspace = _orthonormal(layout, image)
    small = _compressed(total, subspace)
    leading = jnp.tensordot(strengths[:, 0], small, 1)
    turn = jnp.linalg.eigh((leading + leading.T) / 2)[1]
    # Descending, as one expects of leading eigenvectors.
    subspace, turn = subspace @ turn[:, ::-1], turn[:, ::-1]
    inside = jnp.einsum("kl,rkm,ml->rl", turn, small, turn, optimize=True)
    values = inside.T @ strengths
    trace = n * own + _traces(total) @ strengths
    values = values + own[None]
    # Rounding may leave a value below the ridge, which is below none of G's.
    values = jnp.where(values > ridge, values, ridge)
    if rank == n:
        rest = jnp.zeros_like(own)
    else:
        left = (trace - jnp.sum(values, axis=0)) / (n - rank)
        rest = 1 / jnp.where(left > ridge, left, ridge)
    extra = -rank % layout.ranks
    change = jnp.pad(1 / values - rest[None], ((0, extra), (0, 0)))
    return basis, jnp.pad(subspace, ((0, 0), (0, extra))), change, rest


def _weighted(
    total: ShardedKroneckerSum,
    strengths: Float[Array, " r"],
    vectors: Float[Array, "N l"],
) -> Float[Array, "N l"]:
    """sum_k s_k A_k V."""
    layout = total.layout

    def of_rank(own: AbstractTerms, strengths: Array, vectors: Array) -> Array:
        every = jax.lax.all_gather(vectors, AXIS, tiled=True)[: layout.images]
        found = unstacked(own).between(every, strengths[:, None, None])
        return jnp.where(layout.own()[1][:, None], found, 0)

    return jax.shard_map(
        of_rank,
        mesh=layout.mesh,
        in_specs=(P(AXIS), P(), P(AXIS)),
        out_specs=P(AXIS),
        check_vma=False,
    )(total.own, strengths, vectors)


def _compressed(
    total: ShardedKroneckerSum, vectors: Float[Array, "N l"]
) -> Float[Array, "r l l"]:
    """V^T A_k V for every k, everywhere."""
    layout = total.layout

    def of_rank(own: AbstractTerms, vectors: Array) -> Array:
        every = jax.lax.all_gather(vectors, AXIS, tiled=True)[: layout.images]
        found = unstacked(own).each(every)
        mine = jnp.where(layout.own()[1][:, None], vectors, 0)
        return jax.lax.psum(jnp.einsum("nk,rnl->rkl", mine, found), AXIS)

    return jax.shard_map(
        of_rank,
        mesh=layout.mesh,
        in_specs=(P(AXIS), P(AXIS)),
        out_specs=P(),
        check_vma=False,
    )(total.own, vectors)


def _start(layout: ImageRows, rank: int, dtype: Any) -> Float[Array, "N l"]:
    """Random vectors, an image's numbers being the same on any number of ranks."""

    def of_rank() -> Array:
        index, there = layout.own()
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), index)
        found = jax.vmap(lambda key: jax.random.normal(key, (rank,), dtype))(keys)
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


def _traces(total: ShardedKroneckerSum) -> Float[Array, " r"]:
    """Of every A_k, everywhere."""
    layout = total.layout

    def of_rank(own: AbstractTerms) -> Array:
        own = unstacked(own)
        index, there = layout.own()
        found = jax.lax.map(
            lambda i: own.entries(i[None], index[i][None])[:, 0, 0],
            jnp.arange(layout.size),
        )
        return jax.lax.psum(jnp.sum(jnp.where(there[:, None], found, 0), 0), AXIS)

    return jax.shard_map(
        of_rank, mesh=layout.mesh, in_specs=P(AXIS), out_specs=P(), check_vma=False
    )(total.own)


def _same(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    return arrays
