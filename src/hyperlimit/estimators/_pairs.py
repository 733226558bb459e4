"""Pairs (x, z), one a row of a table, and the grid that they lie on."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

Pairs = tuple[Float[np.ndarray, "m dx"], Float[np.ndarray, "m dz"]]

# Lengths are rounded up, so that tables of many lengths share what is compiled.
_LEAST, _STEP = 8, 1024
# A block of a grid may hold this many values, or a few times those that are asked for.
_FEW, _TIMES = 2**16, 4


def padded(rows: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n d"]:
    """Rows with the first repeated behind them, up to one of a few lengths."""
    count = len(rows)
    length = -(-count // _STEP) * _STEP
    if count < _STEP:
        length = max(_LEAST, 1 << (count - 1).bit_length())
    return np.concatenate([rows, np.repeat(rows[:1], length - count, axis=0)])


class PairGrid(NamedTuple):
    """Pairs as places on the grid of their distinct x and distinct z.

    Attributes:
        x: the distinct meta-inputs, in the order in which they first come, (n, d_x).
        z: the distinct coordinates, (p, d_z).
        image: which x a pair has, (m,).
        place: which z, (m,).
    """

    x: Float[np.ndarray, "n dx"]
    z: Float[np.ndarray, "p dz"]
    image: Int[np.ndarray, " m"]
    place: Int[np.ndarray, " m"]

    @classmethod
    def of(cls, pairs: Pairs) -> "PairGrid":
        """The grid of some pairs. Cost O(m (d_x + d_z))."""
        (x, image), (z, place) = map(_distinct, pairs)
        return cls(x, z, image, place)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, p)."""
        return len(self.x), len(self.z)

    @property
    def known(self) -> Bool[np.ndarray, "n p"]:
        """Where the grid has a pair."""
        known = np.zeros(self.shape, bool)
        known[self.image, self.place] = True
        return known

    @property
    def has_duplicates(self) -> bool:
        """Whether some pair is there twice."""
        flat = self.image * len(self.z) + self.place
        return len(np.unique(flat)) < len(flat)

    def spread(self, values: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "n p k"]:
        """Values on the grid, 0 where there is no pair."""
        whole = np.zeros((*self.shape, values.shape[1]), values.dtype)
        whole[self.image, self.place] = values
        return whole

    def collect(
        self,
        evaluate: Callable[[np.ndarray, np.ndarray], Float[np.ndarray, "a b k"]],
        *,
        tight: bool = False,
    ) -> Float[np.ndarray, "m k"]:
        """Values at the pairs, from a function of a few x at a few z.

        The function is given blocks in which asked-for values are not rare, so that
        pairs in which every x has coordinates of its own do not cost m x m. If
        `tight`, it is asked for nothing else at all, in more and smaller blocks.
        """
        few, times = (0, 1) if tight else (_FEW, _TIMES)
        parts, order = [], []
        for rows, images, places in self._blocks(few, times):
            x, z = self.x[images], self.z[places]
            values = evaluate(x, z) if tight else evaluate(padded(x), padded(z))
            image = np.searchsorted(images, self.image[rows])
            place = np.searchsorted(places, self.place[rows])
            parts.append(values[image, place])
            order.append(rows)
        return np.concatenate(parts)[np.argsort(np.concatenate(order))]

    def _blocks(
        self, few: int, times: int
    ) -> Iterator[
        tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"], Int[np.ndarray, " c"]]
    ]:
        """Rows, and the images and places that they have between them."""
        waiting = [np.arange(len(self.image))]
        while waiting:
            rows = waiting.pop()
            images, places = np.unique(self.image[rows]), np.unique(self.place[rows])
            most = max(few, times * len(rows))
            if len(images) == 1 or len(images) * len(places) <= most:
                yield rows, images, places
            else:
                early = self.image[rows] < images[len(images) // 2]
                waiting += [rows[~early], rows[early]]


def _distinct(
    rows: Float[np.ndarray, "m d"],
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " m"]]:
    """The distinct rows and which of them each row is."""
    # Adding zero makes one number of 0.0 and -0.0, whose bytes differ.
    rows = np.ascontiguousarray(rows) + 0.0
    found: dict[bytes, int] = {}
    index = np.array([found.setdefault(row.tobytes(), len(found)) for row in rows])
    first = np.full(len(found), len(rows))
    np.minimum.at(first, index, np.arange(len(rows)))
    return rows[first], index
