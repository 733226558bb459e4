"""Images, turned images, and how far they were turned."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int
from PIL import Image

from hyperlimit.data import load
from hyperlimit.studies.rotation._config import RotationConfig

CLASSES = 12


class Examples(NamedTuple):
    """Pairs of images, and the class of the angle between them.

    Attributes:
        x: what f reads, (n, d), |x|^2 = d.
        z: what g reads: the same image, turned further.
        labels: the nearest multiple of 30 degrees, 0 to 11.
    """

    x: Float[np.ndarray | Array, "n d"]
    z: Float[np.ndarray | Array, "n d"]
    labels: Int[np.ndarray | Array, " n"]


def rotation_task(config: RotationConfig) -> tuple[Examples, Examples]:
    """Training and test examples, from different digits.

    Raises:
        InputError: if there are not as many digits.
    """
    images = load("mnist", size=(config.side, config.side))
    test_digits = min(config.test, images.n - config.digits)
    parts = images.split(config.digits, test_digits, config.seed)
    counts = (config.train, config.test)
    generators = np.random.default_rng(config.seed).spawn(2)
    train, test = (
        examples(part.pixels[..., 0], count, generator)
        for part, count, generator in zip(parts, counts, generators, strict=True)
    )
    return train, test


def examples(
    images: Float[np.ndarray, "i h w"], count: int, generator: np.random.Generator
) -> Examples:
    """Each image as often as any other, turned by a_1 for f and a_1 + a_2 for g.

    Both angles are uniform on the circle.
    """
    chosen = images[generator.permutation(count) % len(images)]
    first, second = generator.uniform(0, 360, (2, count))
    return Examples(
        _rows(turned(chosen, first)),
        _rows(turned(chosen, first + second)),
        nearest_class(second),
    )


def nearest_class(degrees: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The nearest multiple of 30 degrees on the circle: 350 degrees is class 0."""
    return np.rint(degrees * CLASSES / 360).astype(int) % CLASSES


def turned(
    images: Float[np.ndarray, "n h w"], degrees: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n h w"]:
    """Images turned about their centres, anticlockwise, by bilinear interpolation."""
    result = np.empty_like(images)
    for index, (image, angle) in enumerate(zip(images, degrees, strict=True)):
        picture = Image.fromarray(image)
        result[index] = picture.rotate(float(angle), Image.Resampling.BILINEAR)
    return result


def _rows(images: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n d"]:
    flat = images.reshape(len(images), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat * (flat.shape[1] ** 0.5 / length).astype(flat.dtype)
