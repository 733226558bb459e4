"""A matrix assembled tile by tile, so that only the result is as large as itself."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

# Rows and columns of a tile: a few temporaries of this size stay in cache, and its
# matrix product runs at full rate.
TILE = 512

Tile = Callable[[PyTree, PyTree], tuple[Array, ...]]


def tiled(
    tile: Tile, a: PyTree, b: PyTree, size: int = TILE
) -> tuple[Float[Array, "n m"], ...]:
    """The matrices whose tiles `tile(rows of a, rows of b)` returns.

    `a` and `b` hold arrays with leading axes n and m. Called with concrete arrays,
    peak memory is the results and a few tiles; inside a transformation such as
    `jax.jit` or `jax.grad` the whole is one tile. `tile` should be compiled already.
    """
    n, m = _length(a), _length(b)
    if max(n, m) <= size or min(n, m) == 0 or is_traced((a, b)):
        return tile(a, b)
    results: tuple[Array, ...] | None = None
    # The last tile of a row ends at the edge and overlaps its neighbour: a few
    # entries are computed twice, every tile has one shape, and nothing is padded.
    for i in _starts(n, size):
        rows = _cut(a, i, min(size, n))
        for j in _starts(m, size):
            values = tile(rows, _cut(b, j, min(size, m)))
            results = results or _empty(values, n, m)
            results = _write(results, values, i, j)
    assert results is not None
    return results


def tiled_symmetric(
    tile: Tile, a: PyTree, size: int = TILE
) -> tuple[Float[Array, "n n"], ...]:
    """The same for a symmetric matrix: half the tiles, and symmetric to the bit."""
    n = _length(a)
    if n <= size or is_traced(a):
        return tuple(_mirrored(values) for values in tile(a, a))
    results: tuple[Array, ...] | None = None
    for i in _starts(n, size):
        rows = _cut(a, i, size)
        for j in _starts(n, size):
            if j < i:
                continue
            values = tile(rows, _cut(a, j, size))
            results = results or _empty(values, n, n)
            results = _write_with_mirror(results, values, i, j)
    assert results is not None
    return results


def is_traced(tree: PyTree) -> bool:
    """Whether any array is a placeholder inside a transformation."""
    for leaf in jax.tree.leaves(tree):
        try:
            leaf.devices()
        except jax.errors.ConcretizationTypeError:
            return True
    return False


@functools.partial(jax.jit, donate_argnums=0)
def _write(
    results: tuple[Array, ...],
    values: tuple[Array, ...],
    i: Int[Array, ""],
    j: Int[Array, ""],
) -> tuple[Array, ...]:
    return tuple(
        jax.lax.dynamic_update_slice(result, value, (i, j))
        for result, value in zip(results, values, strict=True)
    )


@functools.partial(jax.jit, donate_argnums=0)
def _write_with_mirror(
    results: tuple[Array, ...],
    values: tuple[Array, ...],
    i: Int[Array, ""],
    j: Int[Array, ""],
) -> tuple[Array, ...]:
    """Writes a tile and its mirror image, above and below the diagonal.

    Every entry above the diagonal is written together with its image, also where
    tiles at the edge overlap, so that no rounding can break the symmetry.
    """
    offset = jnp.arange(values[0].shape[0])
    upper = (i + offset)[:, None] <= (j + offset)[None, :]

    def put(result: Array, value: Array, keep: Bool[Array, "t t"], at: tuple) -> Array:
        old = jax.lax.dynamic_slice(result, at, value.shape)
        return jax.lax.dynamic_update_slice(result, jnp.where(keep, value, old), at)

    written = []
    for result, value in zip(results, values, strict=True):
        above = put(result, value, upper, (i, j))
        written.append(put(above, value.T, upper.T, (j, i)))
    return tuple(written)


@jax.jit
def _mirrored(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    return jnp.triu(matrix) + jnp.triu(matrix, 1).T


def _starts(n: int, size: int) -> list[int]:
    return [min(start, max(n - size, 0)) for start in range(0, n, size)]


def _length(tree: PyTree) -> int:
    return jax.tree.leaves(tree)[0].shape[0]


def _cut(tree: PyTree, start: int, size: int) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[start : start + size], tree)


def _empty(values: tuple[Array, ...], n: int, m: int) -> tuple[Array, ...]:
    return tuple(jnp.zeros((n, m), value.dtype) for value in values)
