"""A preconditioner in a Kronecker product of bases, dealt out to many devices."""

from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.sharded._image_rows import AXIS, ImageRows
from hyperlimit.linalg.solvers import AbstractPreconditioner, KroneckerInverse


@final
class ShardedKroneckerInverse(AbstractPreconditioner):
    r"""$(Q \otimes W)\, \mathrm{diag}(1/L)\, (Q \otimes W)^T$ on R ranks.

    Q (n, l) has orthonormal columns; where l < n its complement has one number t for
    every column of W. With $\Delta = 1/L - 1/t$, or $1/L$ and no $1/t$ where l = n,

    $$Y[\text{own}] = \bigl(Q[\text{own}]\,(\Delta \circ U)
      + V[\text{own}]\, W / t\bigr) W^T, \qquad
      U = \sum_{\text{ranks}} Q[\text{own}]^T V[\text{own}]\, W.$$

    The sum is scattered, scaled by a rank's rows of $\Delta$ and gathered: two messages
    of l p c numbers, and $4 c\,(n/R)(l p + p^2)$ flops a rank. Rows and columns of
    padding are zero.

    Attributes:
        images: Q, a rank's rows its own; columns of zeros fill it up.
        coordinates: W, everywhere.
        inner: L, some rows a rank; ones fill it up.
        outer: t, everywhere.
        log_volume: log |det W|.
        layout: which images are whose.
        rank: l.
    """

    images: Float[Array, "N L"]
    coordinates: Float[Array, "p p"]
    inner: Float[Array, "L p"]
    outer: Float[Array, " p"]
    log_volume: Float[Array, ""]
    layout: ImageRows = eqx.field(static=True)
    rank: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, padding included."""
        size = self.layout.padded * self.coordinates.shape[0]
        return size, size

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.coordinates.dtype

    def matmat(self, vectors: Float[Array, "Np c"]) -> Float[Array, "Np c"]:
        """M^{-1}, applied to c vectors at once."""
        return self._product(vectors, (True, True), 1 / self.inner, 1 / self.outer)

    def root(self, vectors: Float[Array, "Np c"]) -> Float[Array, "Np c"]:
        """S v, with S = (Q diag(L)^{-1/2} Q^T + complement) x W."""
        return self._product(vectors, (False, True), *self._roots())

    def root_transposed(self, vectors: Float[Array, "Np c"]) -> Float[Array, "Np c"]:
        """S^T v."""
        return self._product(vectors, (True, False), *self._roots())

    def log_determinant(self) -> Float[Array, ""]:
        """Of M, on the images alone."""
        n = self.layout.images
        found = jnp.sum(jnp.log(self.inner))
        found = found + (n - self.rank) * jnp.sum(jnp.log(self.outer))
        return found - 2 * n * self.log_volume

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
        )(self.images, *self._inverse())

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
        )(self.images, *self._inverse(), rows, columns)

    def _roots(self) -> tuple[Array, Array]:
        return jax.lax.rsqrt(self.inner), jax.lax.rsqrt(self.outer)

    def _inverse(self) -> tuple[Array, Array, Array]:
        rest = self._rest(1 / self.outer)
        return 1 / self.inner - rest[None], self.coordinates, rest

    def _rest(self, outer: Float[Array, " p"]) -> Float[Array, " p"]:
        """What the complement gets, if there is one."""
        return outer if self.rank < self.layout.images else jnp.zeros_like(outer)

    def _product(
        self,
        vectors: Float[Array, "Np c"],
        turns: tuple[bool, bool],
        inner: Float[Array, "L p"],
        outer: Float[Array, " p"],
    ) -> Float[Array, "Np c"]:
        """(Q diag(inner) Q^T + complement), with W^T before and W after it, or not."""
        rest = self._rest(outer)

        def of_rank(
            own: Array, change: Array, basis: Array, rest: Array, vectors: Array
        ) -> Array:
            size, p, columns = len(own), len(basis), vectors.shape[1]
            modes = jnp.swapaxes(vectors.reshape(size, p, columns), 1, 2)
            if turns[0]:
                modes = modes.reshape(-1, p) @ basis
            modes = modes.reshape(size, columns * p)
            modes = jnp.where(self.layout.own()[1][:, None], modes, 0)
            inside = jax.lax.psum_scatter(own.T @ modes, AXIS, tiled=True)
            scaled = change[:, None] * inside.reshape(-1, columns, p)
            scaled = scaled.reshape(-1, columns * p)
            back = own @ jax.lax.all_gather(scaled, AXIS, tiled=True)
            result = back.reshape(-1, p) + modes.reshape(-1, p) * rest[None]
            if turns[1]:
                result = result @ basis.T
            result = result.reshape(size, columns, p)
            return jnp.swapaxes(result, 1, 2).reshape(size * p, columns)

        return jax.shard_map(
            of_rank,
            mesh=self.layout.mesh,
            in_specs=(P(AXIS), P(AXIS), P(), P(), P(AXIS)),
            out_specs=P(AXIS),
            check_vma=False,
        )(self.images, inner - rest[None], self.coordinates, rest, vectors)


def shard_kronecker_inverse(
    found: KroneckerInverse, layout: ImageRows
) -> ShardedKroneckerInverse:
    """Deals out a preconditioner that every process has."""
    images, inner = np.asarray(found.images), np.asarray(found.inner)
    extra = -images.shape[1] % layout.ranks
    return dealt_out(
        layout.scattered(np.pad(images, ((0, 0), (0, extra)))),
        inner,
        (found.coordinates, found.outer, found.log_volume),
        layout,
    )


def dealt_out(
    images: Float[Array, "N L"],
    inner: Float[np.ndarray, "l p"],
    others: tuple[Array | np.ndarray, ...],
    layout: ImageRows,
) -> ShardedKroneckerInverse:
    """From Q, which is dealt out already, L, and W, t and log |det W|."""
    basis, outer, volume = (layout.everywhere(part) for part in others)
    fill = ((0, images.shape[1] - len(inner)), (0, 0))
    filled = np.pad(inner, fill, constant_values=1)
    rows = jax.make_array_from_callback(
        filled.shape, layout.sharding(P(AXIS, None)), lambda index: filled[index]
    )
    return ShardedKroneckerInverse(
        images, basis, rows, outer, volume, layout, len(inner)
    )
