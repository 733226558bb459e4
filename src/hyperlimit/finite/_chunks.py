"""Mapping over many x, all at once or a few at a time."""

from collections.abc import Callable

import jax
from jaxtyping import PyTree

from hyperlimit.errors import InputError


def over_inputs(
    one: Callable[[PyTree], PyTree], inputs: PyTree, chunk: int | None
) -> PyTree:
    """`one` on every row of arrays, `chunk` rows at a time or all together.

    Raises:
        InputError: for a chunk that is no whole number, or below one.
    """
    whole = isinstance(chunk, int) and not isinstance(chunk, bool)
    if chunk is not None and not (whole and chunk >= 1):
        raise InputError(
            f"chunk={chunk!r} must be a whole number of at least 1, or None for all."
        )
    count = len(jax.tree.leaves(inputs)[0])
    if chunk is None or chunk >= count:
        return jax.vmap(one)(inputs)
    return jax.lax.map(one, inputs, batch_size=chunk)
