"""Images of another size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hyperlimit.errors import InputError


def resize(
    pixels: NDArray[np.float32], size: tuple[int, int] | None
) -> NDArray[np.float32]:
    """Resample a stack of images; None, or the size they have, leaves them alone.

    Lanczos where no side grows, bicubic where one does; both average over the pixels
    that fall together when a side shrinks. The proportions are not kept. Both filters
    overshoot at edges, so that the result is clipped to [0, 1].

    Args:
        pixels: shape (n, height, width, channels), values in [0, 1].
        size: (height, width) of the result, in pixels.

    Raises:
        InputError: a side of the size is less than 1.

    Example:
        >>> resize(np.ones((5, 8, 8, 3), np.float32), (4, 6)).shape
        (5, 4, 6, 3)
    """
    if size is None:
        return pixels
    height, width = size
    if height < 1 or width < 1:
        raise InputError(
            f"size {height}x{width} is empty; give at least 1x1, such as 32x32"
        )
    n, old_height, old_width, channels = pixels.shape
    if (height, width) == (old_height, old_width):
        return pixels
    grows = height > old_height or width > old_width
    method = Image.Resampling.BICUBIC if grows else Image.Resampling.LANCZOS
    result = np.empty((n, height, width, channels), np.float32)
    # Pillow's float mode has one channel only, and keeps more than the 8 bits of the
    # modes that have several.
    for index in range(n):
        for channel in range(channels):
            plane = Image.fromarray(np.ascontiguousarray(pixels[index, ..., channel]))
            result[index, ..., channel] = plane.resize((width, height), method)
    return np.clip(result, 0, 1)
