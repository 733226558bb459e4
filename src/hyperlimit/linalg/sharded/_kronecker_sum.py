"""A Kronecker sum whose images are dealt out to many devices."""

from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import (
    AbstractOperator,
    AbstractTerms,
    KroneckerSum,
    StreamedTerms,
)
from hyperlimit.linalg.sharded._image_rows import AXIS, ImageRows, unstacked


@final
class ShardedKroneckerSum(AbstractOperator):
    r"""$\sum_k A_k \otimes B_k + \sum_s \mathrm{diag}(w_s) \otimes D_s$ on R ranks.

    A rank holds the rows $A_k[\text{own}, :]$ of its own images, kept or streamed, and
    those of the vectors. A product gathers V, N p c numbers, and the rest is its own:

    $$Y[\text{own}] = \sum_k (A_k[\text{own}, :]\, V)\, B_k^T
      + \sum_s w_s[\text{own}]\, V[\text{own}]\, D_s^T,$$

    $2 r c\,(N/R)(n p + p^2)$ flops a rank, one message in which a rank receives
    $(R - 1) / R$ of V, and the memory of V. The transpose sums instead: its one message
    is a reduction that scatters. Rows and columns of padding are zero.

    Attributes:
        own: of each rank the (r, size, n) left factors of its images; leaves (R, ...).
        right: the B_k, everywhere.
        weights: w of each rank's images, (R, s, size).
        blocks: D, everywhere.
        layout: which images are whose.
    """

    own: AbstractTerms
    right: Float[Array, "r p p"]
    weights: Float[Array, "ranks s size"]
    blocks: Float[Array, "s p p"]
    layout: ImageRows = eqx.field(static=True)
    transposed: bool = eqx.field(static=True, default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, padding included."""
        size = self.layout.padded * self.right.shape[1]
        return size, size

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.right.dtype

    def matmat(self, vectors: Float[Array, "Np c"]) -> Float[Array, "Np c"]:
        """The product with c vectors at once."""

        def of_rank(
            own: AbstractTerms,
            weights: Array,
            right: Array,
            blocks: Array,
            vectors: Array,
        ) -> Array:
            own, dtype = unstacked(own), vectors.dtype
            weights, right, blocks = (
                part.astype(dtype) for part in (weights[0], right, blocks)
            )
            size, p, columns = self.layout.size, right.shape[1], vectors.shape[1]
            given = jnp.swapaxes(vectors.reshape(size, p, columns), 1, 2)
            flat = given.reshape(size * columns, p)
            there = self.layout.own()[1][:, None]
            if self.transposed:
                # The last rank's padding has rows of the last image.
                turned = jnp.stack([flat @ b for b in right])
                turned = turned.reshape(-1, size, columns * p)
                part = own.T.times(jnp.where(there[None], turned, 0))
                part = jnp.pad(part, ((0, self.layout.padded - len(part)), (0, 0)))
                total = jax.lax.psum_scatter(part, AXIS, tiled=True)
            else:
                every = flat.reshape(size, columns * p)
                every = jax.lax.all_gather(every, AXIS, tiled=True)
                total = own.between(every[: self.layout.images], right)
                total = jnp.where(there, total, 0)
            total = total.reshape(size, columns, p)
            for weight, block in zip(weights, blocks, strict=True):
                block = block.T if self.transposed else block
                alone = (flat @ block.T).reshape(size, columns, p)
                total = total + weight[:, None, None] * alone
            return jnp.swapaxes(total, 1, 2).reshape(size * p, columns)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P(), P(AXIS)),
            out_specs=P(AXIS),
            check_vma=False,
        )(self.own, self.weights, self.right, self.blocks, vectors)

    @property
    def T(self) -> "ShardedKroneckerSum":
        """The transpose."""
        return ShardedKroneckerSum(
            self.own,
            self.right,
            self.weights,
            self.blocks,
            self.layout,
            not self.transposed,
        )

    def diagonal(self) -> Float[Array, " Np"]:
        """The entries (i, i)."""

        def of_rank(
            own: AbstractTerms, weights: Array, right: Array, blocks: Array
        ) -> Array:
            own, (index, there) = unstacked(own), self.layout.own()
            left = jax.lax.map(
                lambda i: own.entries(i[None], index[i][None])[:, 0, 0],
                jnp.arange(self.layout.size),
            )
            both = jnp.where(there[:, None], left, 0) @ jnp.diagonal(right, 0, 1, 2)
            return (both + weights[0].T @ jnp.diagonal(blocks, 0, 1, 2)).reshape(-1)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P()),
            out_specs=P(AXIS),
            check_vma=False,
        )(self.own, self.weights, self.right, self.blocks)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns, everywhere; one sum over the ranks."""
        if self.transposed:
            return self.T.block(columns, rows).T

        def of_rank(
            own: AbstractTerms,
            weights: Array,
            right: Array,
            blocks: Array,
            rows: Array,
            columns: Array,
        ) -> Array:
            own, p = unstacked(own), right.shape[1]
            (i, s), (j, t) = ((index // p, index % p) for index in (rows, columns))
            here = i - jax.lax.axis_index(AXIS).astype(i.dtype) * self.layout.size
            mine = (here >= 0) & (here < self.layout.size) & (i < self.layout.images)
            here = jnp.where(mine, here, 0)
            there = j < self.layout.images
            left = own.entries(here, jnp.where(there, j, 0))
            found = jnp.sum(left * right[:, s[:, None], t[None, :]], axis=0)
            alone = weights[0][:, here][:, :, None] * blocks[:, s[:, None], t[None, :]]
            equal = i[:, None] == j[None, :]
            found = found + jnp.where(equal, jnp.sum(alone, axis=0), 0)
            found = jnp.where(mine[:, None] & there[None, :], found, 0)
            return jax.lax.psum(found, AXIS)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P(), P(), P()),
            out_specs=P(),
            check_vma=False,
        )(self.own, self.weights, self.right, self.blocks, rows, columns)


def shard_kronecker_sum(
    total: KroneckerSum,
    layout: ImageRows,
    *,
    keep: bool = False,
    block: int | None = None,
) -> ShardedKroneckerSum:
    """Deals out a Kronecker sum that every process has a description of.

    Left factors that are streamed stay so: each rank then holds what they are made
    from, as a whole, and makes the rows of its own images in every product.

    Args:
        total: square, and with square B_k.
        layout: which images are whose.
        keep: whether streamed rows are made once and kept: r N n / R numbers a rank.
        block: streamed rows that are made at a time, by default as the sum has it; an
            accelerator wants some 128, whatever n is (`docs/scaling.md`).

    Raises:
        InputError: for a sum that is not square, or of another number of images.
    """
    (_, m, n), (_, q, p) = total.left.shape, total.right.shape
    if (m, q) != (n, p) or n != layout.images:
        raise InputError(
            f"a Kronecker sum of {m} x {n} images at {q} x {p} coordinates was given "
            f"to deal out {layout.images} images: give a square one of as many."
        )

    def own(rank: int) -> AbstractTerms:
        left = total.left.rows(jnp.asarray(layout.numbers(rank)))
        if not isinstance(left, StreamedTerms):
            return left
        if block is not None:
            left = StreamedTerms(left.source, block)
        return _kept(left) if keep else left

    def weights(rank: int) -> Array:
        index = layout.numbers(rank)
        there = rank * layout.size + jnp.arange(layout.size) < n
        return jnp.where(there[None], total.weights[:, index], 0)

    return ShardedKroneckerSum(
        layout.stacked(own),
        layout.everywhere(total.right),
        layout.stacked(weights),
        layout.everywhere(total.blocks),
        layout,
    )


@eqx.filter_jit
def _kept(left: StreamedTerms) -> AbstractTerms:
    return left.kept()
