"""Bounds that do not disturb a gradient."""

import jax.numpy as jnp
from jaxtyping import Array, Num


def clipped(
    value: Num[Array, "..."],
    low: int | float | Num[Array, "..."] | None = None,
    high: int | float | Num[Array, "..."] | None = None,
) -> Num[Array, "..."]:
    """The value held within bounds; its gradient is untouched where it lies within.

    `jnp.minimum`, `jnp.maximum` and `jnp.clip` find out by `value == result` whether
    the gradient passes. A compiler may compute `value` twice, rounded in two ways, and
    then a gradient is lost far from any bound. Here the value is held against the
    bound itself. NaN passes through.

    Example:
        >>> print(clipped(jnp.array([-1.0, 1.0, 3.0]), 0, 2))
        [0. 1. 2.]
    """
    if low is not None:
        value = jnp.where(value < low, low, value)
    if high is not None:
        value = jnp.where(value > high, high, value)
    return value


def saturation(dtype: jnp.dtype) -> float:
    """The largest deviation that is kept: the product of two stays far from inf."""
    return float(jnp.finfo(dtype).max) ** 0.5 / 16
