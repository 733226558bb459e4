"""One image file as an array."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hyperlimit.errors import InputError

# The names of Pillow's readers: "PPM" is PGM too.
_READERS = ("PNG", "JPEG", "PPM", "BMP")


def read_image(path: Path) -> NDArray[np.float32]:
    """Read a PNG, JPEG, PGM, PPM or BMP file.

    Transparency is laid over white, palettes are looked up, and a photograph is turned
    as its EXIF orientation says. An image whose channels are all equal is grey. Grey
    keeps 16 bits where the file has them; colour keeps 8, which is what Pillow reads.

    Returns:
        Shape (height, width, 1) if grey and (height, width, 3) if not, in [0, 1].

    Raises:
        InputError: the file cannot be opened, is damaged, or is of another kind.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "red.png")
        ...     Image.new("RGB", (3, 2), "red").save(path)
        ...     read_image(path).shape
        (2, 3, 3)
    """
    try:
        with warnings.catch_warnings():
            # What Pillow warns of (odd metadata, large images) is nothing that the
            # user should mend.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_READERS) as opened:
                opened.load()
                return _unit_values(ImageOps.exif_transpose(opened))
    except MemoryError:
        raise
    # Damaged files make Pillow's readers raise nearly anything.
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(
            f"{str(path)!r} cannot be read as a PNG, JPEG, PGM, PPM or BMP image "
            f"({reason or 'it is damaged or of another kind'}); "
            "replace or remove the file"
        ) from error


def _unit_values(image: Image.Image) -> NDArray[np.float32]:
    if image.mode == "F":
        raise ValueError("floating-point images have no fixed white")
    if image.mode.startswith("I"):
        return _unit_values_of_16_bits(image)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    rgba = np.asarray(image.convert("RGBA"), np.float32) / 255
    alpha = rgba[..., 3:]
    rgb = rgba[..., :3] * alpha + (1 - alpha)
    return rgb[..., :1] if (rgb == rgb[..., :1]).all() else rgb


def _unit_values_of_16_bits(image: Image.Image) -> NDArray[np.float32]:
    # Pillow's own conversions clip at 255 here, so that nearly all would be white.
    values: NDArray[np.float32] = np.array(image, np.float32)[..., None]
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        values[values == transparent] = 65535
    values /= 65535
    return values
