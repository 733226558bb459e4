"""Damped exponentials shared by the duals of sine and cosine."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._pair import GaussianPair
from hyperlimit.errors import InputError


def checked_frequency(frequency: float) -> None:
    """Raises an InputError unless the frequency makes a wave."""
    if frequency == 0 or not math.isfinite(frequency):
        raise InputError(
            f"frequency={frequency} makes no wave: give a finite number other than 0."
        )


def mean_cos_cos(pair: GaussianPair) -> Float[Array, "..."]:
    r"""$E \cos u \cos v = \frac12 (e^{-D} + e^{-S})$, $D, S = \frac12 E(u \mp v)^2$."""
    difference, total = _half_squares(pair)
    return (jnp.exp(-difference) + jnp.exp(-total)) / 2


def mean_sin_sin(pair: GaussianPair) -> Float[Array, "..."]:
    r"""$E \sin u \sin v = \frac12 (e^{-D} - e^{-S})$, to full relative accuracy."""
    difference, total = _half_squares(pair)
    twice = 2 * pair.covariance
    # Each branch takes the larger exponential out; the argument of the branch not
    # taken is zero, so that it cannot overflow into the gradient.
    acute = pair.correlation >= 0
    positive = -jnp.exp(-difference) * jnp.expm1(-jnp.where(acute, twice, 0)) / 2
    negative = jnp.exp(-total) * jnp.expm1(jnp.where(acute, 0, twice)) / 2
    return jnp.where(acute, positive, negative)


def _half_squares(pair: GaussianPair) -> tuple[Array, Array]:
    apart = (pair.std_x - pair.std_y) ** 2 / 2
    return apart + pair.scale * pair.gap, apart + pair.scale * (2 - pair.gap)
