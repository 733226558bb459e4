"""A set of images of one size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyperlimit.data._generator import generator
from hyperlimit.errors import InputError


# Comparing arrays gives an array, which a generated __eq__ cannot use.
@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size, their name as a set, and a label for each.

    Attributes:
        pixels: float32 of shape (n, height, width, channels), values in [0, 1],
            where 0 is black; other real types are converted.
        name: the name of the set.
        labels: n labels, such as classes or file names.

    Raises:
        InputError: the pixels are not a 4-D array of real numbers, have an empty
            axis, are not finite, or leave [0, 1]; or the labels are not n.

    Example:
        >>> images = Images(np.zeros((2, 8, 6, 1)), "black", ("a", "b"))
        >>> images.n, images.shape, images.pixels.dtype
        (2, (8, 6, 1), dtype('float32'))
    """

    pixels: np.ndarray
    name: str
    labels: Sequence[str]

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels)
        labels = tuple(self.labels)
        if pixels.dtype.kind not in "buif":
            raise InputError(
                f"pixels of type {pixels.dtype} are not real numbers; "
                "convert them to float32 in [0, 1]"
            )
        if pixels.ndim != 4 or 0 in pixels.shape:
            raise InputError(
                f"pixels of shape {pixels.shape} are not a set of images; give the "
                "shape (n, height, width, channels), with no axis empty"
            )
        if len(labels) != len(pixels):
            raise InputError(
                f"{len(labels)} labels do not fit {len(pixels)} images; "
                "give one label for each image"
            )
        _check_values(pixels, labels)
        object.__setattr__(self, "pixels", pixels.astype(np.float32, copy=False))
        object.__setattr__(self, "labels", labels)

    @property
    def n(self) -> int:
        """Number of images."""
        return self.pixels.shape[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image, (height, width, channels)."""
        _, height, width, channels = self.pixels.shape
        return height, width, channels

    def split(self, train: int, test: int, seed: int) -> tuple["Images", "Images"]:
        """Draw disjoint train and test sets.

        The images are shuffled by ``np.random.default_rng(seed).permutation(n)``;
        the first ``train`` of that order train and the last ``test`` of it test, so
        that the test set stays the same while the train set grows.

        Raises:
            InputError: a count is less than 1, both are more than there are images,
                or the seed is negative.

        Example:
            >>> images = Images(np.zeros((5, 2, 2, 1)), "black", tuple("abcde"))
            >>> first, last = images.split(train=3, test=1, seed=0)
            >>> first.labels, last.labels
            (('c', 'e', 'd'), ('b',))
        """
        for part, count in (("train", train), ("test", test)):
            if count < 1:
                raise InputError(
                    f"{count} {part} images cannot be drawn from the {self.n} of "
                    f"{self.name!r}; give at least 1"
                )
        if train + test > self.n:
            raise InputError(
                f"{train} train and {test} test images were asked of {self.name!r}, "
                f"which has {self.n}; give two counts that sum to {self.n} or less"
            )
        order = generator(seed).permutation(self.n)
        return self._take(order[:train]), self._take(order[self.n - test :])

    def _take(self, rows: NDArray[np.int64]) -> "Images":
        labels = tuple(self.labels[row] for row in rows)
        return Images(self.pixels[rows], self.name, labels)


def _check_values(pixels: np.ndarray, labels: tuple[str, ...]) -> None:
    # NaN fails every comparison, so that one pass finds it together with the rest.
    bad = ~((pixels >= 0) & (pixels <= 1)).all(axis=(1, 2, 3))
    if not bad.any():
        return
    index = int(bad.argmax())
    image = pixels[index]
    if not np.isfinite(image).all():
        raise InputError(
            f"image {index} ({labels[index]!r}) has pixels that are not finite; "
            "mend or leave out that image"
        )
    raise InputError(
        f"image {index} ({labels[index]!r}) has values from {image.min():g} to "
        f"{image.max():g} where [0, 1] is expected; divide the pixels by the value "
        "of white, such as 255"
    )
