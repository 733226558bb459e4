"""A few pixels of a few digits."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.data import digits
from hyperlimit.regression import unit_rows
from hyperlimit.studies.optimisation._config import OptimisationConfig


class Problem(NamedTuple):
    """What is learned.

    Attributes:
        x: whole images without their mean, as rows of |x|^2 = 64, (n, 64).
        z: coordinates of the pixels between -1.5 and 1.5, (p, 2).
        y: their values, of mean zero and variance one in every image, (n, p, 1).
    """

    x: Float[Array, "n d"]
    z: Float[Array, "p dz"]
    y: Float[Array, "n p k"]


def optimisation_problem(config: OptimisationConfig) -> Problem:
    """The first images of as many classes, and pixels drawn off the edge."""
    images = digits()
    every = images.pixels[..., 0].reshape(images.n, -1).astype(np.float64)
    labels = np.array(images.labels)
    rows = [int(np.flatnonzero(labels == str(k))[0]) for k in range(config.images)]
    place = np.random.default_rng(config.seed).choice(36, config.pixels, replace=False)
    place.sort()
    down, right = place // 6 + 1, place % 6 + 1
    values = every[rows][:, 8 * down + right]
    values = values - values.mean(axis=1, keepdims=True)
    values = values / values.std(axis=1, keepdims=True)
    z = 3 * np.stack([down, right], axis=1) / 5 - 2.1
    return Problem(
        unit_rows(jnp.asarray(every[rows] - every.mean(axis=0), float)),
        jnp.asarray(z, float),
        jnp.asarray(values, float)[..., None],
    )


def shares(outputs: Float[Array, "n p k"], y: Float[Array, "n p k"]) -> Array:
    """The share of every image's variance that is left, (n,)."""
    return jnp.mean((outputs - y) ** 2, axis=(1, 2))
