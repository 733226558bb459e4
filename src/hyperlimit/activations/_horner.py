"""Polynomials with fixed coefficients."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def horner(
    coefficients: tuple[float, ...], y: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The polynomial in y whose coefficients are given, lowest order first."""
    total = jnp.full_like(y, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * y + coefficient
    return total
