"""Which pixels of every image are observed."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hyperlimit.data._generator import generator
from hyperlimit.data._image_file import read_image
from hyperlimit.data._pixel_count import pixel_count
from hyperlimit.errors import InputError

# The shares of red, green and blue in brightness (ITU-R BT.601).
_BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)


def observation_mask(rule: str, shape: tuple[int, int], seed: int) -> NDArray[np.bool_]:
    """Choose the pixels that are observed, the same in every image.

    Args:
        rule: "top-half" or "left-half" (of an odd number the smaller half);
            "random:P" for P pixels, or for a share of them if P has a dot, drawn by
            ``np.random.default_rng([seed, 1])``, more of them with the same seed
            including fewer; or the path of an image, whose pixels brighter than half
            of white are observed.
        shape: (height, width) of the images, in pixels.
        seed: of the random rule; not used by the others.

    Returns:
        Shape (height, width), True where observed; both values occur.

    Raises:
        InputError: the rule is unknown, P is out of range, the image cannot be read
            or has another shape, all or none is observed, or the seed is negative.

    Example:
        >>> observation_mask("left-half", (2, 4), seed=0).astype(int)
        array([[1, 1, 0, 0],
               [1, 1, 0, 0]])
    """
    height, width = shape
    if min(shape) < 1 or height * width < 2:
        raise InputError(
            f"images of {height}x{width} pixels have no pixel to observe beside one "
            "to hide; give images of 2 pixels or more"
        )
    mask = np.zeros(shape, np.bool_)
    if rule == "top-half":
        mask[: max(1, height // 2)] = True
    elif rule == "left-half":
        mask[:, : max(1, width // 2)] = True
    elif rule.startswith("random:"):
        count = pixel_count(rule, mask.size, mask.size - 1)
        mask.flat[generator(seed, 1).permutation(mask.size)[:count]] = True
    elif os.path.isfile(rule):
        mask = _bright_pixels(Path(rule), shape)
    else:
        raise InputError(
            f"{rule!r} is neither an observation rule nor an image file; give "
            "top-half, left-half, random:P or the path of an image"
        )
    if mask.all() or not mask.any():
        raise InputError(
            f"{rule!r} observes {'all' if mask.all() else 'none'} of the {mask.size} "
            f"pixels of {height}x{width} images; give a rule, or an image with both "
            "bright and dark pixels, that observes some and hides some"
        )
    return mask


def _bright_pixels(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    image = read_image(path)
    if image.shape[:2] != shape:
        raise InputError(
            f"the mask {str(path)!r} has {image.shape[0]}x{image.shape[1]} pixels "
            f"(height x width) and the images have {shape[0]}x{shape[1]}; give a mask "
            "of the size of the images"
        )
    grey = image[..., 0] if image.shape[2] == 1 else image @ _BRIGHTNESS
    return grey > 0.5
