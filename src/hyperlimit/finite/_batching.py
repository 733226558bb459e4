"""Many primary networks: some at a time, and each few while they are in a cache."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite._largest_arrays import largest_arrays

# What a core of a CPU keeps near it: half of a usual second-level cache.
CACHE = 2**19

Write = Callable[[PyTree], PyTree]
Read = Callable[[PyTree, Array], PyTree]


def over_inputs(
    write: Write,
    read: Read,
    x: PyTree,
    z: Array,
    *,
    paired: bool,
    chunk: int | None = None,
) -> PyTree:
    """`read(write(x)_i, z_i)` for every row i; z itself, if it is not `paired`.

    All rows are written together, or `chunk` at a time; then gradients hold the arrays
    of one chunk too, for each is worked out again on the way back. On a CPU rows are
    read in blocks that fit its cache, each of which is worked out again as well: the
    activations of a whole batch take longer to store and fetch than to compute.

    Args:
        write: some rows of x to the arrays that they generate, a row for each.
        read: the arrays of one x, and many z (p, ...), to outputs (p, ...).

    Raises:
        InputError: for a chunk that is no whole number, or below one.
    """
    whole = isinstance(chunk, int) and not isinstance(chunk, bool)
    if chunk is not None and not (whole and chunk >= 1):
        raise InputError(
            f"chunk={chunk!r} must be a whole number of at least 1, or None for all."
        )

    def one(row: tuple[PyTree, Array | None]) -> PyTree:
        arrays, own = row
        return read(arrays, z if own is None else own)

    def some(rows: tuple[PyTree, Array | None]) -> PyTree:
        given, own = rows
        return _in_blocks(jax.vmap(one), (write(given), own))

    rows = (x, z if paired else None)
    return _in_turn(some, rows, _length(rows) if chunk is None else chunk)


def _in_blocks(many: Callable[[PyTree], PyTree], rows: PyTree) -> PyTree:
    """`many` on all rows: in blocks on a CPU, in one anywhere else."""
    count = _length(rows)
    if jax.default_backend() != "cpu" or count < 2:
        return many(rows)
    own, shared = largest_arrays(many, rows)
    # What all rows share is fetched, and its gradient added to, once a block.
    size = max(CACHE, shared) // max(own, 1)
    return _in_turn(many, rows, max(size, 1))


def _in_turn(some: Callable[[PyTree], PyTree], rows: PyTree, size: int) -> PyTree:
    """`some` on up to `size` rows at a time; gradients work each part out again."""
    count = _length(rows)
    if count <= size:
        return some(rows)
    size = _even(count, size)
    whole = count - count % size
    parts = jax.tree.map(lambda a: a[:whole].reshape(-1, size, *a.shape[1:]), rows)
    # Inside of a loop nothing can undo the second computation.
    found = jax.lax.map(jax.checkpoint(some, prevent_cse=False), parts)
    found = jax.tree.map(lambda a: a.reshape(whole, *a.shape[2:]), found)
    if whole == count:
        return found
    rest = jax.checkpoint(some)(jax.tree.map(lambda a: a[whole:], rows))
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), found, rest)


def _even(count: int, size: int) -> int:
    """A size of parts up to the one given, if possible one that leaves no rest."""
    for divisor in range(size, (size - 1) // 2, -1):
        if count % divisor == 0:
            return divisor
    return -(-count // -(-count // size))


def _length(rows: PyTree) -> int:
    return len(jax.tree.leaves(rows)[0])
