"""Rows and grids of inputs: pairs that share x are kept together."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Shaped

from hyperlimit.errors import InputError
from hyperlimit.linalg import is_traced


class Grid(NamedTuple):
    """Inputs with leading axes (u, p), p of them to one x.

    Attributes:
        x: (u, ...).
        z: (u, p, ...), or None where the network reads x alone; then p is 1.
        rows: for each example as it was given, its place among the u p. None: in order.
    """

    x: Shaped[Array, "u ..."]
    z: Shaped[Array, "u p ..."] | None
    rows: np.ndarray | None

    @property
    def points(self) -> int:
        """p."""
        return 1 if self.z is None else self.z.shape[1]

    @property
    def examples(self) -> int:
        """How many examples there are, those that fill the grid up among them."""
        return len(self.x) * self.points


def grid(
    inputs: ArrayLike | tuple[ArrayLike, ArrayLike], z_axes: int, name: str = "inputs"
) -> Grid:
    """Inputs as a user gives them.

    Args:
        inputs: rows x (n, ...) of a network that reads one thing; or (x, z) with as
            many rows of each; or (x, z) with z (n, p, ...), p for each x.
        z_axes: how many axes one z has.
        name: what to call them.

    Raises:
        InputError: for numbers of rows that differ, or axes that do not fit.
    """
    if isinstance(inputs, tuple | list) and len(inputs) == 1:
        inputs = inputs[0]
    if not isinstance(inputs, tuple | list):
        x = jnp.asarray(inputs)
        if x.ndim == 0 or len(x) == 0:
            raise InputError(
                f"{name} has shape {x.shape}: give at least one row, one an example."
            )
        return Grid(x, None, None)
    if len(inputs) != 2:
        raise InputError(f"{name} has {len(inputs)} parts: give x, or the pair (x, z).")
    x, z = jnp.asarray(inputs[0]), jnp.asarray(inputs[1])
    if (
        x.ndim == 0
        or len(x) == 0
        or z.ndim not in (1 + z_axes, 2 + z_axes)
        or len(x) != len(z)
        or 0 in z.shape
    ):
        raise InputError(
            f"{name} has x of shape {x.shape} and z of shape {z.shape}: give as many "
            "rows of each, or z (n, p, ...) for p points to each x, where one z has "
            f"z_axes={z_axes} axes."
        )
    if z.ndim == 2 + z_axes:
        return Grid(x, z, None)
    return _shared(x, z)


def _shared(x: Array, z: Array) -> Grid:
    """Rows of pairs, gathered by equal x where that saves work."""
    count = len(x)
    alone = Grid(x, z[:, None], None)
    if is_traced((x, z)):
        return alone
    flat = np.ascontiguousarray(np.asarray(x).reshape(count, -1))
    bytes_ = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))
    _, first, which = np.unique(bytes_[:, 0], return_index=True, return_inverse=True)
    # In order of appearance, so that a grid written out as rows stays in order.
    rank = np.argsort(np.argsort(first))
    first, which = np.sort(first), rank[which]
    sizes = np.bincount(which)
    points = int(sizes.max())
    if len(first) * points > 2 * count or points == 1:
        return alone
    order = np.argsort(which, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    place = np.empty(count, np.int64)
    place[order] = np.arange(count) - np.repeat(starts, sizes)
    rows = which * points + place
    filled = np.repeat(first[:, None], points, axis=1)
    filled[which, place] = np.arange(count)
    in_order = len(first) * points == count and bool((rows == np.arange(count)).all())
    return Grid(x[first], z[filled], None if in_order else rows)


def parts(given: Grid, size: int) -> list[Grid]:
    """The grid in pieces of so many x."""
    return [
        Grid(
            given.x[start : start + size],
            None if given.z is None else given.z[start : start + size],
            None,
        )
        for start in range(0, len(given.x), size)
    ]


def shapes(given: Grid) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct | None]:
    """The shapes and types of one x and one z."""
    one = jax.ShapeDtypeStruct(given.x.shape[1:], given.x.dtype)
    if given.z is None:
        return one, None
    return one, jax.ShapeDtypeStruct(given.z.shape[2:], given.z.dtype)
