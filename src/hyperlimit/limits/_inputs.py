"""Checks of what a user hands to a kernel."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.errors import InputError

_SHAPES = {1: "(n, d) with d at least 1", 3: "(n, height, width, channels)"}


def rows_of(name: str, given: ArrayLike, rank: int) -> Float[Array, "n ..."]:
    """A floating array of examples of a rank, from anything that is one.

    Raises:
        InputError: for another rank, no numbers in an example, or complex numbers.
    """
    array = jnp.asarray(given)
    if array.ndim != rank + 1 or 0 in array.shape[1:]:
        raise InputError(
            f"{name} has shape {array.shape}: give one row an example, shape "
            f"{_SHAPES[rank]}."
        )
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise InputError(f"{name} is complex ({array.dtype}): give real numbers.")
    if not jnp.issubdtype(array.dtype, jnp.floating):
        array = array.astype(jax.dtypes.canonicalize_dtype(float))
    return array


def pairs(
    given: tuple[ArrayLike, ArrayLike], x_rank: int, z_rank: int
) -> tuple[Array, Array]:
    """Rows (x[i], z[i]) of one floating type.

    Raises:
        InputError: if it is no pair of matrices, or they differ in length.
    """
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InputError(
            f"a hypernetwork reads pairs, but a {type(given).__name__} was given: "
            "give (x, z) with one row of each an example."
        )
    x = rows_of("x", given[0], x_rank)
    z = rows_of("z", given[1], z_rank)
    if x.shape[0] != z.shape[0]:
        raise InputError(
            f"x has {x.shape[0]} rows and z has {z.shape[0]}: row i of both is the "
            "pair (x[i], z[i]), so repeat one of them to match."
        )
    kind = jnp.promote_types(x.dtype, z.dtype)
    return x.astype(kind), z.astype(kind)
