"""A kernel matrix whose entries are computed whenever they are needed."""

from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from hyperlimit.linalg.operators._base import AbstractOperator


@final
class KernelMatrix(AbstractOperator):
    """The matrix of a kernel between two lists of points, tile by tile.

    A product with c vectors computes all m n entries once, and holds `tile` times
    `tile` of them: the general operator, for whatever has a kernel.

    Attributes:
        kernel: points (a, ...) and (b, ...) to entries (a, b); a pytree, or static.
        one: `kernel` of each point with itself, (a,).
        left, right: pytrees of points, with leading axes m and n.
    """

    kernel: Callable[[PyTree, PyTree], Float[Array, "a b"]]
    one: Callable[[PyTree, PyTree], Float[Array, " a"]]
    left: PyTree
    right: PyTree
    tile: int = eqx.field(static=True, default=1024)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return _length(self.left), _length(self.right)

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        a, b = (jax.tree.map(lambda v: v[:1], s) for s in (self.left, self.right))
        return eqx.filter_eval_shape(self.kernel, a, b).dtype

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "m c"]:
        """The product with c vectors at once."""
        m, n = self.shape
        if 0 in (m, n):
            return jnp.zeros((m, vectors.shape[1]), vectors.dtype)
        rows, columns = (
            _in_tiles(self.left, self.tile),
            _in_tiles(self.right, self.tile),
        )
        # Points that only fill up the last tile meet vectors of zeros.
        count, size = jax.tree.leaves(columns)[0].shape[:2]
        padded = jnp.pad(vectors, ((0, count * size - n), (0, 0)))
        parts = padded.reshape(count, size, -1)

        def of_rows(a: PyTree) -> Array:
            def add(total: Array, b: tuple[PyTree, Array]) -> tuple[Array, None]:
                return total + self.kernel(a, b[0]).astype(b[1].dtype) @ b[1], None

            start = jnp.zeros((_length(a), vectors.shape[1]), vectors.dtype)
            return jax.lax.scan(add, start, (columns, parts))[0]

        return jax.lax.map(of_rows, rows).reshape(-1, vectors.shape[1])[:m]

    @property
    def T(self) -> "KernelMatrix":
        """The transpose: the kernel is asked with its points in the order it knows."""
        kernel, one = (
            call.call if isinstance(call, _Exchanged) else _Exchanged(call)
            for call in (self.kernel, self.one)
        )
        return KernelMatrix(kernel, one, self.right, self.left, self.tile)

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        count = min(self.shape)
        a, b = (jax.tree.map(lambda v: v[:count], s) for s in (self.left, self.right))
        return self.one(a, b)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        a = jax.tree.map(lambda v: v[rows], self.left)
        return self.kernel(a, jax.tree.map(lambda v: v[columns], self.right))


class _Exchanged(eqx.Module):
    """A kernel, or what it gives point by point, with the sides exchanged.

    A kernel may know its points by their places among those of one side.
    """

    call: Callable[[PyTree, PyTree], Array]

    def __call__(self, a: PyTree, b: PyTree) -> Array:
        return self.call(b, a).T


def _length(points: PyTree) -> int:
    return jax.tree.leaves(points)[0].shape[0]


def _in_tiles(points: PyTree, tile: int) -> PyTree:
    """Points in tiles, the last filled up with copies of the last point."""
    count = _length(points)
    size = min(tile, count)
    tiles = -(-count // size)
    index = np.clip(np.arange(tiles * size), 0, count - 1)
    return jax.tree.map(lambda v: v[index].reshape(tiles, size, *v.shape[1:]), points)
