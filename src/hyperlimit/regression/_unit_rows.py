"""Meta-inputs of one length, as grid regressions want them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.errors import InputError
from hyperlimit.regression._noise import check_finite


def checked_inputs(
    name: str, given: ArrayLike, dtype: jnp.dtype, rank: int
) -> Float[Array, "n ..."]:
    """Rows with |x|^2 = d, or images, checked."""
    if isinstance(given, tuple | list):
        raise InputError(
            f"{name} is a {type(given).__name__}: give an array (n, d), and the "
            "coordinates apart."
        )
    array = np.asarray(given)
    if array.ndim != rank + 1 or 0 in array.shape:
        wanted = "(n, d)" if rank == 1 else "(n, height, width, channels)"
        raise InputError(
            f"{name} has shape {array.shape}: give {wanted}, one row an example."
        )
    check_finite(name, array)
    if rank > 1:
        return jnp.asarray(array, dtype)
    square = np.sum(array.astype(np.float64) ** 2, axis=1) / array.shape[1]
    worst = int(np.argmax(np.abs(square - 1)))
    if abs(square[worst] - 1) > 1e-3:
        raise InputError(
            f"row {worst} of {name} has |x|^2 = {square[worst] * array.shape[1]:.4g} "
            f"and d = {array.shape[1]}: a grid regression wants rows of |x|^2 = d, "
            "which hyperlimit.unit_rows makes of rows that are not zero."
        )
    return jnp.asarray(array, dtype)


def unit_rows(x: ArrayLike) -> Float[Array, "n d"]:
    """Rows rescaled to |x|^2 = d: their directions, for `regress_grid`.

    Raises:
        InputError: for another rank, numbers that are not finite, or a zero row.

    Examples:
        >>> print(unit_rows(jnp.array([[3.0, 3.0]])))
        [[1. 1.]]
    """
    array = np.asarray(x)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"x has shape {array.shape}: give (n, d), one row an example.")
    check_finite("x", array)
    length = np.linalg.norm(array.astype(np.float64), axis=1)
    if not length.all():
        raise InputError(
            f"row {int(np.argmin(length))} of x is zero and has no direction: leave it "
            "out, or put a constant in its place."
        )
    scaled = array * (array.shape[1] ** 0.5 / length)[:, None]
    return jnp.asarray(scaled, floating_type(x))


def floating_type(given: ArrayLike) -> jnp.dtype:
    """The type to compute in: the array's own if floating, JAX's default if not."""
    kind = jnp.asarray(given).dtype
    if jnp.issubdtype(kind, jnp.floating):
        return kind
    return jax.dtypes.canonicalize_dtype(float)
