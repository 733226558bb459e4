"""Printed characters of many alphabets, from fonts that are always there."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hyperlimit.data._generator import generator
from hyperlimit.data._images import Images
from hyperlimit.data._installed_folder import installed_folder
from hyperlimit.data._resize import resize

# First and last characters; Greek without the sigma that ends words, Lao with gaps.
_RUNS = {
    "Armenian": ("ԱՖ",),
    "Cyrillic": ("ая",),
    "Georgian": ("აჰ",),
    "Greek": ("\u03b1\u03c1", "σω"),
    "Hebrew": ("את",),
    "Lao": ("ກຂ", "ຄຄ", "ງຈ", "ຊຊ", "ຍຍ", "ດທ", "ນຟ", "ມຣ", "ລລ", "ວວ", "ສຫ", "ອຮ"),
    "Latin": ("AZ",),
    "Tifinagh": ("ⴰⵥ",),
}
_FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
_COPIES = 20
# Of a drawing, as Omniglot's, and of a character on it, in pixels.
_SIDE, _HEIGHT = 105, 64


def glyphs(size: tuple[int, int] | None = None, *, seed: int = 0) -> Images:
    """Render 261 characters of eight alphabets, 20 times each, light on black.

    Every copy is of one of two weights of the font, and is turned, sheared, stretched
    and moved a little at random. They stand in for handwriting, where that is not at
    hand: the order and the labels, such as "Greek/α", are those of `omniglot`.

    Source: the fonts DejaVu Sans, as Matplotlib carries them.

    Args:
        size: (height, width) to resize to from 105x105, in pixels.
        seed: of the distortions.

    Raises:
        InputError: a side of the size is less than 1, or the seed is negative.

    Example:
        >>> images = glyphs(size=(14, 14))
        >>> images.n, images.shape, images.labels[0]
        (5220, (14, 14, 1), 'Armenian/Ա')
    """
    folder = installed_folder("matplotlib", "glyphs") / "mpl-data" / "fonts" / "ttf"
    fonts = [
        ImageFont.truetype(folder / face, _HEIGHT, layout_engine=ImageFont.Layout.BASIC)
        for face in _FACES
    ]
    draw, pixels, labels = generator(seed), [], []
    for alphabet, runs in _RUNS.items():
        for first, last in runs:
            for code in range(ord(first), ord(last) + 1):
                faces = [_printed(chr(code), font) for font in fonts]
                for face in draw.integers(len(faces), size=_COPIES):
                    drawn = _distorted(*faces[face], draw)[None, ..., None]
                    pixels.append(resize(drawn, size)[0])
                labels += [f"{alphabet}/{chr(code)}"] * _COPIES
    return Images(np.stack(pixels), "glyphs", tuple(labels))


def _printed(character: str, font: ImageFont.FreeTypeFont) -> tuple[Image.Image, float]:
    """A character in the middle of a drawing, and the longer of its sides."""
    image = Image.new("L", (_SIDE, _SIDE))
    left, top, right, bottom = font.getbbox(character)
    at = ((_SIDE - left - right) / 2, (_SIDE - top - bottom) / 2)
    ImageDraw.Draw(image).text(at, character, fill=255, font=font)
    return image, float(max(right - left, bottom - top))


def _distorted(
    image: Image.Image, length: float, draw: np.random.Generator
) -> NDArray[np.float32]:
    """The same as if someone else had drawn it, and the longer side of `_HEIGHT`."""
    angle = math.radians(draw.uniform(-10, 10))
    turn = np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    shear = np.array([[1, draw.uniform(-0.25, 0.25)], [0, 1]])
    stretch = np.diag(draw.uniform(0.8, 1.25, 2)) * length / _HEIGHT
    # Where in the old drawing a place in the new one is from, as Pillow has it.
    matrix = turn @ shear @ stretch
    middle = np.full(2, _SIDE / 2)
    shift = middle - matrix @ (middle + draw.uniform(-6, 6, 2))
    rows = np.column_stack([matrix, shift]).ravel()
    moved = image.transform(
        image.size,
        Image.Transform.AFFINE,
        tuple(rows.tolist()),
        Image.Resampling.BILINEAR,
    )
    drawn: NDArray[np.float32] = np.array(moved, np.float32)
    drawn /= 255
    return drawn
