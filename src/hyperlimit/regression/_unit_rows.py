"""Meta-inputs of one length."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.errors import InputError
from hyperlimit.regression._noise import check_finite


def unit_rows(x: ArrayLike) -> Float[Array, "n d"]:
    """Rows rescaled to |x|^2 = d: their directions.

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
