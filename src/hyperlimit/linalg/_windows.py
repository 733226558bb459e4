"""Windows that slide over images: what convolutions and pooling sum over."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError

PADDINGS = ("zero", "circular", "none")
Axes = tuple[int, int]


@final
@dataclass(frozen=True)
class Windows:
    """Windows of a shape, every `stride` positions.

    Attributes:
        shape: height and width of a window.
        stride: how far apart windows are, down and across.
        padding: "zero" and "circular": one window for every stride-th position, the
            image continued by zeros or by itself; "none": windows inside the image.

    Examples:
        >>> windows = Windows((3, 3), (2, 2), "zero")
        >>> windows.out((5, 6))
        (3, 3)
        >>> print(windows.totals(jnp.ones((5, 6)), [(0, 1)]))
        [[6. 6. 4.]
         [9. 9. 6.]
         [6. 6. 4.]]
    """

    shape: tuple[int, int]
    stride: tuple[int, int]
    padding: str

    @property
    def size(self) -> int:
        """How many positions a window has."""
        return self.shape[0] * self.shape[1]

    def out(self, size: tuple[int, int]) -> tuple[int, int]:
        """How many windows an image of a size has.

        Raises:
            InputError: if the image is smaller than a window.
        """
        counts = tuple(
            (length + sum(pads) - width) // step + 1
            for length, pads, width, step in zip(
                size, self.pads(size), self.shape, self.stride, strict=True
            )
        )
        if min(counts) < 1 or min(size) < 1:
            raise InputError(
                f"images of {size[0]}x{size[1]} are smaller than a window of "
                f"{self.shape[0]}x{self.shape[1]}: take a smaller window, or "
                "padding='zero'."
            )
        return counts[0], counts[1]

    def pads(self, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """How far the image is continued before and after, down and across."""
        if self.padding == "none":
            return ((0, 0), (0, 0))
        found = []
        for length, width, step in zip(size, self.shape, self.stride, strict=True):
            total = max((-(-length // step) - 1) * step + width - length, 0)
            found.append((total // 2, total - total // 2))
        return found[0], found[1]

    def padded(self, array: Float[Array, "..."], axes: Axes) -> Float[Array, "..."]:
        """The image continued."""
        pads = [(0, 0)] * array.ndim
        size = array.shape[axes[0]], array.shape[axes[1]]
        for axis, pad in zip(axes, self.pads(size), strict=True):
            pads[axis] = pad
        if not any(map(any, pads)):
            return array
        return jnp.pad(
            array, pads, "wrap" if self.padding == "circular" else "constant"
        )

    def offsets(
        self, array: Float[Array, "..."], groups: Sequence[Axes]
    ) -> Iterator[Float[Array, "..."]]:
        """For each position in a window, what all windows hold there.

        The images on several pairs of axes are shifted together.
        """
        counts = [self.out((array.shape[a], array.shape[b])) for a, b in groups]
        for axes in groups:
            array = self.padded(array, axes)
        for offset in itertools.product(*map(range, self.shape)):
            piece = array
            for axes, count in zip(groups, counts, strict=True):
                for which in (0, 1):
                    piece = self._strided(piece, axes, which, offset, count)
            yield piece

    def totals(
        self, array: Float[Array, "..."], groups: Sequence[Axes]
    ) -> Float[Array, "..."]:
        """The sums over windows, first down and then across."""
        counts = [self.out((array.shape[a], array.shape[b])) for a, b in groups]
        for axes in groups:
            array = self.padded(array, axes)
        for which in (0, 1):
            total = None
            for place in range(self.shape[which]):
                piece = array
                for axes, count in zip(groups, counts, strict=True):
                    piece = self._strided(piece, axes, which, (place, place), count)
                total = piece if total is None else total + piece
            assert total is not None
            array = total
        return array

    def _strided(
        self,
        array: Array,
        axes: Axes,
        which: int,
        offset: tuple[int, ...],
        count: tuple[int, int],
    ) -> Array:
        start, step = offset[which], self.stride[which]
        stop = start + (count[which] - 1) * step + 1
        axis = axes[which] % array.ndim
        return jax.lax.slice_in_dim(array, start, stop, step, axis)


def sliding(
    shape: int | tuple[int, int], stride: int | tuple[int, int], padding: str
) -> Windows:
    """Windows from a user's numbers.

    Raises:
        InputError: for lengths below one or an unknown padding.
    """
    sides, steps = _two(shape), _two(stride)
    if min(*sides, *steps) < 1:
        raise InputError(
            f"a window of {shape} every {stride} positions was asked for: give "
            "lengths of at least 1."
        )
    if padding not in PADDINGS:
        raise InputError(
            f"padding={padding!r} is not known: give one of {', '.join(PADDINGS)}."
        )
    return Windows(sides, steps, padding)


def _two(given: int | tuple[int, int]) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else (given[0], given[1])
