"""Points: images, coordinates, and which of all pairs are meant."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from hyperlimit.errors import InputError


@dataclass(frozen=True, eq=False)
class Points:
    """Pairs of an image and a coordinate.

    Attributes:
        x: images, (n, d) or (n, h, w, c).
        z: coordinates, (p, d_z): those of the grid, or one for each point.
        image, place: of each point the rows of x and of z; None if all n p are meant,
            the place running fastest.
        own: whether every image has coordinates of its own.
    """

    x: Float[np.ndarray, "n ..."]
    z: Float[np.ndarray, "p dz"]
    image: Int[np.ndarray, " v"] | None
    place: Int[np.ndarray, " v"] | None
    own: bool

    @property
    def index(self) -> Int[np.ndarray, " v"] | None:
        """Where the points are among all n p."""
        if self.image is None or self.place is None:
            return None
        return self.image * len(self.z) + self.place

    def some(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images and the coordinates of some points."""
        if self.image is None or self.place is None:
            return self.x[index // len(self.z)], self.z[index % len(self.z)]
        return self.x[self.image[index]], self.z[self.place[index]]

    def images(self, index: np.ndarray) -> np.ndarray:
        """Of which image points are."""
        return index // len(self.z) if self.image is None else self.image[index]

    def __len__(self) -> int:
        if self.image is None:
            return len(self.x) * len(self.z)
        return len(self.image)


def points_of(
    x: ArrayLike, z: Any, mask: ArrayLike | None, rank: int
) -> tuple[Points, np.dtype]:
    """Checks what was given as images and coordinates, and its floating type.

    Args:
        x: (n, d), or (n, h, w, c) for `rank` 3.
        z: (p, d_z), or of each image its own: n arrays (p_i, d_z), or (n, p, d_z).
        mask: which of the n p are meant, (n, p).
        rank: of one image.

    Raises:
        InputError: for shapes that disagree, or numbers that are not finite.
    """
    images = jnp.asarray(x)
    kind = images.dtype if jnp.issubdtype(images.dtype, jnp.floating) else None
    kind = jnp.zeros(()).dtype if kind is None else kind
    given = np.asarray(images, np.float64)
    if given.ndim != rank + 1 or 0 in given.shape:
        wanted = "(n, d)" if rank == 1 else "(n, height, width, channels)"
        raise InputError(f"x has shape {given.shape}: give images, {wanted}.")
    _check_finite("x", given)
    own = np.ndim(z[0]) == 2 if isinstance(z, list | tuple) and z else np.ndim(z) == 3
    if not own:
        coordinates = np.asarray(z, np.float64)
        if coordinates.ndim != 2 or 0 in coordinates.shape:
            raise InputError(
                f"z has shape {coordinates.shape}: give coordinates, (p, d), or of "
                "each image its own."
            )
        _check_finite("z", coordinates)
        image, place = _masked(mask, (len(given), len(coordinates)))
        return Points(given, coordinates, image, place, False), kind
    parts = [np.asarray(part, np.float64) for part in z]
    if len(parts) != len(given) or mask is not None:
        raise InputError(
            f"coordinates of {len(parts)} images' own were given for {len(given)} "
            "images: give one array (p_i, d) an image, and no mask."
        )
    widths = {part.shape[1:] for part in parts}
    if len(widths) != 1 or len(next(iter(widths))) != 1:
        raise InputError(
            f"coordinates of single images have the shapes {sorted(widths)} after the "
            "first axis: give every image (p_i, d) with one d."
        )
    coordinates = np.concatenate(parts)
    _check_finite("z", coordinates)
    image = np.repeat(np.arange(len(given)), [len(part) for part in parts])
    return Points(given, coordinates, image, np.arange(len(image)), True), kind


def _masked(
    mask: ArrayLike | None, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    if mask is None:
        return None, None
    known: Bool[np.ndarray, "n p"] = np.asarray(mask)
    if known.dtype != bool or known.shape != shape:
        raise InputError(
            f"mask has shape {known.shape} and type {known.dtype} for {shape[0]} "
            f"images at {shape[1]} coordinates: give booleans, {shape}."
        )
    if not known.any():
        raise InputError("the mask leaves no point: mark at least one.")
    if known.all():
        return None, None
    image, place = np.nonzero(known)
    return image, place


def _check_finite(name: str, values: np.ndarray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"{name} holds {int(wrong.sum())} numbers that are not finite, the first "
            f"at index {first}: leave those examples out or mend them."
        )
