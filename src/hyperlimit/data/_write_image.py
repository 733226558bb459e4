"""Images as PNG files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def write_image(path: Path, pixels: NDArray[np.float32]) -> None:
    """Writes (height, width, 1 or 3) values, clipped to [0, 1], as an 8-bit PNG."""
    levels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels).save(path)
