"""Fashion-MNIST, from the files of its authors."""

import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from hyperlimit.data._images import Images
from hyperlimit.data._resize import resize
from hyperlimit.errors import InputError

# Where Debian's package dataset-fashion-mnist puts it.
_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_PARTS = (("train", 60_000), ("t10k", 10_000))


def fashion(size: tuple[int, int] | None = None) -> Images:
    """Load 70,000 pictures of clothes of 28x28 pixels, grey, light on black.

    The 60,000 that are meant for training come first. Labels are the classes "0" to
    "9"; the values 0 to 255 of the source are divided by 255.

    Source: H. Xiao, K. Rasul and R. Vollgraf, *Fashion-MNIST*, 2017, MIT licence. The
    four files `train-images-idx3-ubyte.gz` and so on are read from the folder that the
    environment variable HYPERLIMIT_FASHION names, by default
    /usr/share/datasets/fashion-mnist, where Debian's package dataset-fashion-mnist
    puts them.

    Args:
        size: (height, width) to resize to, in pixels.

    Raises:
        InputError: the files are not there or damaged, or a side of the size is less
            than 1.
    """
    folder = Path(os.environ.get("HYPERLIMIT_FASHION", _FOLDER))
    pixels, labels = [], []
    for name, count in _PARTS:
        pixels.append(_read(folder / f"{name}-images-idx3-ubyte.gz", (count, 28, 28)))
        labels.append(_read(folder / f"{name}-labels-idx1-ubyte.gz", (count,)))
    every = np.concatenate(pixels).astype(np.float32)[..., None] / 255
    names = tuple(map(str, np.concatenate(labels)))
    return Images(resize(every, size), "fashion", names)


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An array of bytes in the IDX format: its rank, its sides, and its entries."""
    if not path.is_file():
        raise InputError(
            f"the data set 'fashion' has no file {str(path)!r}: install Debian's "
            "package dataset-fashion-mnist, or name the folder of the four files in "
            "HYPERLIMIT_FASHION"
        )
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, shape) from error
    head = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    if not content.startswith(head) or len(content) != len(head) + np.prod(shape):
        raise _damaged(path, shape)
    return np.frombuffer(content, np.uint8, offset=len(head)).reshape(shape)


def _damaged(path: Path, shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"the file {str(path)!r} of the data set 'fashion' is damaged, {shape} bytes "
        "are expected: install it again"
    )
