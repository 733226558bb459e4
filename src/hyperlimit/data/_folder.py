"""The images in a folder of the user's."""

from pathlib import Path

import numpy as np

from hyperlimit.data._image_file import read_image
from hyperlimit.data._images import Images
from hyperlimit.data._resize import resize
from hyperlimit.errors import InputError

_SUFFIXES = (".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".bmp")


def folder(path: str | Path, size: tuple[int, int] | None = None) -> Images:
    """Load the PNG, JPEG, PGM, PPM and BMP images that lie in a folder.

    Files of other kinds, hidden files and sub-folders are passed over. The images
    are sorted by file name, and the file names are the labels. If all images are grey
    (all channels equal) there is one channel; if any is in colour there are three.
    Transparency is laid over white. The set is named after the folder.

    Args:
        path: the folder.
        size: (height, width) to resize to, in pixels; proportions are not kept.

    Raises:
        InputError: there is no such folder, it holds no images, an image cannot be
            read, the images have several sizes and ``size`` is None, or a side of
            the size is less than 1.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as path:
        ...     Image.new("RGB", (3, 2), "red").save(Path(path, "b.png"))
        ...     Image.new("L", (3, 2)).save(Path(path, "a.bmp"))
        ...     images = folder(path)
        >>> images.labels, images.shape
        (('a.bmp', 'b.png'), (2, 3, 3))
    """
    files = _image_files(Path(path))
    images: list[np.ndarray] = []
    for file in files:
        image = read_image(file)
        if size is None and images and image.shape[:2] != images[0].shape[:2]:
            raise InputError(
                f"{str(path)!r} holds images of several sizes, such as "
                f"{_described(files[0], images[0])} and {_described(file, image)} "
                "(height x width); resize them all to one, by --size or --resize"
            )
        images.append(resize(image[None], size)[0])
    channels = max(image.shape[2] for image in images)
    pixels = np.stack([np.broadcast_to(i, (*i.shape[:2], channels)) for i in images])
    name = Path(path).resolve().name or str(path)
    return Images(pixels, name, tuple(file.name for file in files))


def require_images(path: str | Path) -> None:
    """Raises an InputError, as `folder` does, unless a folder holds image files."""
    _image_files(Path(path))


def _image_files(path: Path) -> list[Path]:
    try:
        entries = sorted(path.iterdir())
        files = [entry for entry in entries if _is_image(entry)]
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(
            f"{str(path)!r} cannot be read as a folder ({reason}); "
            "give the path of a folder of images"
        ) from error
    if not files:
        raise InputError(
            f"none of the {len(entries)} entries of the folder {str(path)!r} is a "
            "PNG, JPEG, PGM, PPM or BMP image; give a folder in which such files lie"
        )
    return files


def _is_image(entry: Path) -> bool:
    # Some systems leave hidden files that bear the name of an image.
    hidden = entry.name.startswith(".")
    return not hidden and entry.suffix.lower() in _SUFFIXES and entry.is_file()


def _described(file: Path, image: np.ndarray) -> str:
    height, width, _ = image.shape
    return f"{file.name!r} of {height}x{width}"
