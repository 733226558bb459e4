"""The data sets by name, and any folder by its path."""

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hyperlimit.data._digits import digits
from hyperlimit.data._faces import faces
from hyperlimit.data._fashion import fashion
from hyperlimit.data._folder import folder
from hyperlimit.data._images import Images
from hyperlimit.data._mnist import mnist
from hyperlimit.errors import InputError

LOADERS: Mapping[str, Callable[[tuple[int, int] | None], Images]] = MappingProxyType(
    {
        "digits": digits,
        "faces": faces,
        "fashion": fashion,
        "mnist": mnist,
    }
)


def load(source: str, size: tuple[int, int] | None = None) -> Images:
    """Load a data set by its name in LOADERS, or else the folder of that path.

    A folder that has the name of a data set is reached as ``./digits``.

    Args:
        source: the name or the path.
        size: (height, width) to resize to, in pixels.

    Raises:
        InputError: the source is neither, or what its loader raises.

    Example:
        >>> load("digits", size=(4, 4)).shape
        (4, 4, 1)
    """
    if source in LOADERS:
        return LOADERS[source](size)
    # Unlike Path.is_dir, this is False of an empty path, and where the folder above
    # may not be entered.
    if os.path.isdir(source):
        return folder(source, size)
    raise InputError(
        f"{source!r} is neither a data set ({', '.join(LOADERS)}) nor a folder; "
        "give one of these names or the path of a folder of images"
    )
