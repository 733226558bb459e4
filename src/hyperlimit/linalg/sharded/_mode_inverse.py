"""A preconditioner in modes whose images are dealt out to many devices."""

from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.sharded._image_rows import AXIS, ImageRows


@final
class ShardedModeInverse(AbstractOperator):
    r"""$(Q \otimes W)\, \mathrm{diag}(1/L)\, (Q^T \otimes W^T)$ on R ranks.

    Q (n, l) has orthonormal columns. Where l < n the rest of the space has one number a
    mode, $t_q$, and what is added is $(I - Q Q^T) \otimes W \mathrm{diag}(1/t) W^T$:

    $$Y[\text{own}] = \bigl(Q[\text{own}]\,(\Delta \circ U)
      + V[\text{own}]\, W / t\bigr) W^T, \qquad
      U = \sum_{\text{ranks}} Q[\text{own}]^T V[\text{own}]\, W,$$

    with $\Delta = 1/L - 1/t$, or $1/L$ and no $1/t$ where l = n. The sum is scattered,
    scaled by a rank's rows of $\Delta$ and gathered: two messages of l p c numbers, and
    $4 c\,(N/R)(l p + p^2)$ flops a rank. Rows and columns of padding are zero.

    Attributes:
        basis: W, everywhere.
        subspace: Q, a rank's rows its own; columns of zeros fill it up.
        change: $\Delta$, some rows a rank.
        rest: $1/t$, everywhere.
        layout: which images are whose.
    """

    basis: Float[Array, "p p"]
    subspace: Float[Array, "N l"]
    change: Float[Array, "l p"]
    rest: Float[Array, " p"]
    layout: ImageRows = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, padding included."""
        size = self.layout.padded * self.basis.shape[0]
        return size, size

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.basis.dtype

    def matmat(self, vectors: Float[Array, "Np c"]) -> Float[Array, "Np c"]:
        """The product with c vectors at once."""

        def of_rank(
            own: Array, change: Array, basis: Array, rest: Array, vectors: Array
        ) -> Array:
            size, p, columns = len(own), len(basis), vectors.shape[1]
            given = jnp.swapaxes(vectors.reshape(size, p, columns), 1, 2)
            modes = (given.reshape(-1, p) @ basis).reshape(size, columns * p)
            modes = jnp.where(self.layout.own()[1][:, None], modes, 0)
            inside = jax.lax.psum_scatter(own.T @ modes, AXIS, tiled=True)
            scaled = change[:, None] * inside.reshape(-1, columns, p)
            scaled = scaled.reshape(-1, columns * p)
            back = own @ jax.lax.all_gather(scaled, AXIS, tiled=True)
            outside = modes.reshape(-1, p) * rest[None]
            result = (back.reshape(-1, p) + outside) @ basis.T
            result = result.reshape(size, columns, p)
            return jnp.swapaxes(result, 1, 2).reshape(size * p, columns)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P(), P(AXIS)),
            out_specs=P(AXIS),
            check_vma=False,
        )(self.subspace, self.change, self.basis, self.rest, vectors)

    @property
    def T(self) -> "ShardedModeInverse":
        """The transpose: it is symmetric."""
        return self

    def diagonal(self) -> Float[Array, " Np"]:
        """The entries (i, i)."""

        def of_rank(own: Array, change: Array, basis: Array, rest: Array) -> Array:
            change = jax.lax.all_gather(change, AXIS, tiled=True)
            modes = own**2 @ change + rest[None]
            modes = jnp.where(self.layout.own()[1][:, None], modes, 0)
            return (modes @ (basis**2).T).reshape(-1)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P()),
            out_specs=P(AXIS),
            check_vma=False,
        )(self.subspace, self.change, self.basis, self.rest)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns, everywhere."""

        def of_rank(
            own: Array,
            change: Array,
            basis: Array,
            rest: Array,
            rows: Array,
            columns: Array,
        ) -> Array:
            p = len(basis)
            (i, s), (j, t) = ((index // p, index % p) for index in (rows, columns))

            def of_images(index: Array) -> Array:
                rank = jax.lax.axis_index(AXIS).astype(index.dtype)
                here = index - rank * len(own)
                mine = (here >= 0) & (here < len(own))
                found = own[jnp.where(mine, here, 0)]
                return jax.lax.psum(jnp.where(mine[:, None], found, 0), AXIS)

            change = jax.lax.all_gather(change, AXIS, tiled=True)
            inside = jnp.einsum(
                "al,lq,bl->qab", of_images(i), change, of_images(j), optimize=True
            )
            equal = (i[:, None] == j[None, :]) & (i < self.layout.images)[:, None]
            modes = inside + jnp.where(equal[None], rest[:, None, None], 0)
            return jnp.einsum("aq,qab,bq->ab", basis[s], modes, basis[t], optimize=True)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P(), P(), P()),
            out_specs=P(),
            check_vma=False,
        )(self.subspace, self.change, self.basis, self.rest, rows, columns)


def shard_mode_inverse(
    layout: ImageRows,
    basis: Float[np.ndarray, "p p"],
    subspace: Float[np.ndarray, "n l"],
    values: Float[np.ndarray, "l p"],
    rest: Float[np.ndarray, " p"] | None = None,
) -> ShardedModeInverse:
    r"""Deals out W, Q, L and, where Q has fewer columns than rows, t.

    Args:
        layout: which images are whose.
        basis: W.
        subspace: Q; every process reads the rows of its own images alone.
        values: L.
        rest: t, of what is orthogonal to Q; without it nothing is added.
    """
    over = np.zeros(len(basis), basis.dtype) if rest is None else 1 / rest
    extra = -subspace.shape[1] % layout.ranks
    change = np.pad(1 / values - over[None], ((0, extra), (0, 0)))
    sharding = layout.sharding(P(AXIS, None))
    rows = layout.scattered(subspace)
    return ShardedModeInverse(
        layout.everywhere(basis),
        jax.jit(_widened, static_argnums=1, out_shardings=sharding)(rows, extra),
        jax.make_array_from_callback(change.shape, sharding, lambda i: change[i]),
        layout.everywhere(over),
        layout,
    )


def _widened(rows: Float[Array, "N l"], extra: int) -> Float[Array, "N L"]:
    return jnp.pad(rows, ((0, 0), (0, extra)))
