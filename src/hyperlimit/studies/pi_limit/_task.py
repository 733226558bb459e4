"""Digits and their classes."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.data import load
from hyperlimit.errors import InputError
from hyperlimit.studies.pi_limit._config import PiLimitConfig

CLASSES = 10


class Examples(NamedTuple):
    """Images and their classes.

    Attributes:
        x: (n, d), |x|^2 = d.
        y: (n, 10), a one at the class less a tenth everywhere.
        labels: the classes.
    """

    x: Float[Array, "n d"]
    y: Float[Array, "n 10"]
    labels: Int[np.ndarray, " n"]


class Score(NamedTuple):
    """How good outputs are.

    Attributes:
        accuracy: the share of images whose class has the largest output.
        loss: half the squared length of what outputs are off by, in the mean.
    """

    accuracy: float
    loss: float


def tasks(
    config: PiLimitConfig,
) -> tuple[tuple[Examples, Examples], list[tuple[Examples, Examples]]]:
    """Training and validation images, and for each seed training and test images.

    Raises:
        InputError: if there are not as many digits.
    """
    images = load("mnist", size=(config.side, config.side))
    labels = np.array([int(label) for label in images.labels])
    x = images.pixels.reshape(images.n, -1)
    x = x - x.mean(axis=0)
    x = x / np.sqrt((x**2).mean(axis=1, keepdims=True))
    y = np.eye(CLASSES)[labels] - 1 / CLASSES

    def part(rows: np.ndarray) -> Examples:
        return Examples(
            jnp.asarray(x[rows], float), jnp.asarray(y[rows], float), labels[rows]
        )

    wanted = config.validation + config.train + config.test
    if wanted > images.n:
        raise InputError(
            f"{wanted} digits were asked for and there are {images.n}: ask for fewer."
        )
    order = np.random.default_rng(config.seed).permutation(images.n)
    held, rest = order[: config.validation], order[config.validation :]
    splits = [
        np.random.default_rng((config.seed, number)).permutation(rest)
        for number in range(config.seeds + 1)
    ]
    pairs = [
        (part(s[: config.train]), part(s[config.train : config.train + config.test]))
        for s in splits
    ]
    return (pairs[0][0], part(held)), pairs[1:]


def score(outputs: Float[Array, "n 10"], examples: Examples) -> Score:
    """Of outputs for examples."""
    found = np.asarray(outputs, float)
    right = found.argmax(axis=1) == examples.labels
    off = found - np.asarray(examples.y, float)
    return Score(float(right.mean()), float((off**2).sum(axis=1).mean() / 2))
