"""Upper halves of digits, coordinates, and the pixels there."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.data import digits


class HalvesOfDigits(NamedTuple):
    """x (b, 32) of squared length 32, z (64, 2) in pixels, y (b, 64) of mean zero.

    Attributes:
        variance: the mean square of y, the loss of the mean image.
    """

    x: Float[Array, "b dx"]
    z: Float[Array, "p 2"]
    y: Float[Array, "b p"]
    variance: float


def halves_of_digits() -> HalvesOfDigits:
    """The task on all images."""
    pixels = digits().pixels[..., 0].astype(np.float64)
    rows = pixels.reshape(len(pixels), 64)
    upper = rows[:, :32] - rows[:, :32].mean()
    upper *= (32 / (upper**2).sum(axis=1, keepdims=True)) ** 0.5
    targets = rows - rows.mean(axis=0)
    # In units in which they are as large as what g gives at birth.
    targets /= targets.std()
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0), indexing="ij"), -1)
    x, z, y = (
        jnp.asarray(each, float) for each in (upper, grid.reshape(64, 2), targets)
    )
    return HalvesOfDigits(x, z, y, float(np.mean(targets**2)))
