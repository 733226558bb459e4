"""Roots and ratios whose gradients stay finite at zero."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def safe_sqrt(value: Float[Array, "..."]) -> Float[Array, "..."]:
    """A square root whose gradient at zero is zero, not infinite."""
    # Written so that NaN passes through instead of turning into a certain zero.
    positive = ~(value <= 0)
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, value, 1)), 0)


def safe_ratio(
    numerator: Float[Array, "..."], denominator: Float[Array, "..."]
) -> Float[Array, "..."]:
    """A ratio that is zero, with a zero gradient, where the denominator is zero."""
    usable = ~(denominator <= 0)
    return jnp.where(usable, numerator / jnp.where(usable, denominator, 1), 0)


def safe_hypot(
    one: Float[Array, "..."], two: Float[Array, "..."] | float
) -> Float[Array, "..."]:
    r"""$\sqrt{a^2 + b^2}$ of nonnegative numbers, without overflow.

    The gradient is zero where both are zero. Unlike that of `jnp.hypot` it asks
    nowhere whether two computed numbers are equal (see `clipped`): the unit in which
    the squares are taken is a constant to it.

    Example:
        >>> print(safe_hypot(jnp.array([3.0, 0.0, 3e30]), jnp.array([4.0, 0.0, 4e30])))
        [5.e+00 0.e+00 5.e+30]
    """
    a, b = jax.lax.stop_gradient((one, two))
    unit = jnp.where(a > b, a, b)
    squares = safe_ratio(one, unit) ** 2 + safe_ratio(jnp.asarray(two), unit) ** 2
    return unit * safe_sqrt(squares)
