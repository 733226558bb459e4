"""Handwritten characters of many alphabets, from the files of their authors."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hyperlimit.data._images import Images
from hyperlimit.data._resize import resize
from hyperlimit.errors import InputError

# The archives say what alphabet, character and drawing a file is by its path.
_ARCHIVES = "images_*.zip"


def omniglot(path: str | Path, size: tuple[int, int] | None = None) -> Images:
    """Load characters of many alphabets, each drawn by 20 people, light on black.

    Alphabet after alphabet and character after character, with all drawings of one in
    a row; the labels are such as "Greek/character01". The drawings are stored as black
    on white, 105x105 pixels, and are inverted.

    Source: B. Lake, R. Salakhutdinov and J. Tenenbaum, *Human-level concept learning
    through probabilistic program induction*, Science 2015, MIT licence;
    github.com/brendenlake/omniglot, of which any archives will do:
    `images_background.zip` and `images_evaluation.zip`, or the smaller
    `images_background_small1.zip` and `images_background_small2.zip`. What stands in
    several of them is read once.

    Args:
        path: the folder of the archives.
        size: (height, width) to resize to, in pixels.

    Raises:
        InputError: there is no archive, one is damaged, characters were not all drawn
            by the same number of people, or a side of the size is less than 1.
    """
    archives = sorted(Path(path).glob(_ARCHIVES))
    if not archives:
        raise InputError(
            f"the folder {str(path)!r} has no {_ARCHIVES}: give one with the archives "
            "of github.com/brendenlake/omniglot, such as images_background.zip."
        )
    drawings: dict[tuple[str, str, str], NDArray[np.float32]] = {}
    for archive in archives:
        for name, content in _entries(archive):
            if name not in drawings:
                drawings[name] = _read(archive, name, content, size)
    names = sorted(drawings)
    labels = [f"{alphabet}/{character}" for alphabet, character, _ in names]
    counts = Counter(labels).values()
    if len(set(counts)) != 1:
        found = f"{min(counts)} to {max(counts)}" if counts else "no"
        raise InputError(
            f"the archives in {str(path)!r} have {found} drawings of a character, "
            "where each has as many: give the archives whole."
        )
    pixels = np.stack([drawings[name] for name in names])
    return Images(pixels, "omniglot", tuple(labels))


def _entries(archive: Path) -> Iterator[tuple[tuple[str, str, str], bytes]]:
    """The last three parts of a drawing's path, and its file."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in sorted(opened.namelist()):
                parts = PurePosixPath(entry).parts
                if entry.endswith(".png") and len(parts) >= 3:
                    alphabet, character, file = parts[-3:]
                    yield (alphabet, character, file), opened.read(entry)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(
            f"the archive {str(archive)!r} cannot be read ({error}): load it again."
        ) from error


def _read(
    archive: Path,
    name: tuple[str, str, str],
    content: bytes,
    size: tuple[int, int] | None,
) -> NDArray[np.float32]:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as opened:
            ink = 1 - np.asarray(opened.convert("L"), np.float32) / 255
    except (OSError, SyntaxError) as error:
        raise InputError(
            f"{'/'.join(name)} in {str(archive)!r} is no image: load the archive again."
        ) from error
    return resize(ink[None, ..., None], size)[0]
