"""Which pixels of each training image are known."""

import numpy as np
from numpy.typing import NDArray

from hyperlimit.data._generator import generator
from hyperlimit.data._pixel_count import pixel_count
from hyperlimit.errors import InputError


def target_mask(
    rule: str, n: int, shape: tuple[int, int], seed: int
) -> NDArray[np.bool_]:
    """Choose the pixels that are known as targets, in each image apart.

    Args:
        rule: "all"; or "random:P" for P pixels of each image, or for a share of them
            if P has a dot, drawn for one image after the other by
            ``np.random.default_rng([seed, 2])``.
        n: number of images.
        shape: (height, width) of the images, in pixels.
        seed: of the random rule; not used by the other.

    Returns:
        Shape (n, height, width), True where known.

    Raises:
        InputError: the rule is unknown, P is out of range, there are no images or no
            pixels, or the seed is negative.

    Example:
        >>> target_mask("random:3", 2, (4, 4), seed=0).sum(axis=(1, 2))
        array([3, 3])
    """
    height, width = shape
    if n < 1 or min(shape) < 1:
        raise InputError(
            f"{n} images of {height}x{width} pixels have no targets; give at least "
            "1 image of 1x1"
        )
    if rule == "all":
        return np.ones((n, height, width), np.bool_)
    if not rule.startswith("random:"):
        raise InputError(f"unknown target rule {rule!r}; give all or random:P")
    total = height * width
    count = pixel_count(rule, total, total)
    random = generator(seed, 2)
    mask = np.zeros((n, total), np.bool_)
    for row in mask:
        row[random.permutation(total)[:count]] = True
    return mask.reshape(n, height, width)
