"""Data of a training, and some of their rows."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree, Shaped

from hyperlimit.errors import InputError


class Pairs(NamedTuple):
    """Targets of a hypernetwork at p points z of each of n x.

    Attributes:
        x: (n, ...).
        z: (p, ...), the same points for every x, or (n, p, ...).
        y: (n, p, ...).
    """

    x: Shaped[Array, "n ..."]
    z: Shaped[Array, "..."]
    y: Shaped[Array, "n p ..."]

    @property
    def own_points(self) -> bool:
        """Whether each x has points of its own."""
        return self.z.ndim > 2 and self.z.shape[:2] == self.y.shape[:2]


def as_data(given: PyTree, name: str) -> PyTree:
    """Data as JAX's arrays, all of the same number of rows; three are `Pairs`.

    Raises:
        InputError: for what has no rows, or rows of different numbers.
    """
    data = jax.tree.map(lambda leaf: _array(leaf, name), given)
    if isinstance(data, list):
        data = tuple(data)
    if type(data) is tuple and len(data) == 3:
        data = Pairs(*data)
        _check_pairs(data, name)
        return data
    shapes = [leaf.shape for leaf in jax.tree.leaves(data)]
    if not shapes or () in shapes or len({shape[0] for shape in shapes}) != 1:
        told = ", ".join(map(str, shapes)) or "none"
        raise InputError(
            f"{name} has arrays of shapes {told}: give arrays with one row for each "
            "example, the same number of rows in all."
        )
    if shapes[0][0] == 0:
        raise InputError(f"{name} has no rows: give at least one example.")
    return data


def _array(leaf: object, name: str) -> Array:
    try:
        array = jnp.asarray(leaf)
    except TypeError as error:
        raise InputError(
            f"{name} holds {leaf!r:.40}, which is no number: give arrays of numbers."
        ) from error
    if jnp.iscomplexobj(array):
        raise InputError(
            f"{name} holds complex numbers: give their real and imaginary parts apart."
        )
    return array


def rows_of(data: PyTree) -> int:
    """How many examples there are."""
    return len(jax.tree.leaves(data)[0])


def taken(data: PyTree, rows: Int[Array, " b"] | slice) -> PyTree:
    """Some examples; points that all share stay as they are."""
    if isinstance(data, Pairs):
        z = data.z[rows] if data.own_points else data.z
        return Pairs(data.x[rows], z, data.y[rows])
    return jax.tree.map(lambda leaf: leaf[rows], data)


def not_finite(data: PyTree) -> str | None:
    """The first number of the data that is not finite, in words, or None."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(data):
        values = np.asarray(leaf)
        if not np.issubdtype(values.dtype, np.inexact) or np.isfinite(values).all():
            continue
        place = np.argwhere(~np.isfinite(values))[0].tolist()
        name = _name(path, data)
        return f"{name}{place} is {values[tuple(place)]}"
    return None


def _check_pairs(data: Pairs, name: str) -> None:
    for part, each in zip("xzy", data, strict=True):
        if not isinstance(each, jax.Array):
            raise InputError(
                f"{name} has {part} of type {type(each).__name__}: give arrays; three "
                "that are something else than x, z and y go into a dict."
            )
    x, z, y = data
    if x.ndim and len(x) == 0:
        raise InputError(f"{name} has no rows: give at least one example.")
    points = y.shape[1] if y.ndim > 1 else None
    shared = z.ndim > 1 and len(z) == points
    if x.ndim == 0 or points is None or len(x) != len(y) or 0 in (len(x), points):
        fits = False
    else:
        fits = shared or data.own_points
    if not fits:
        raise InputError(
            f"{name} has x, z and y of shapes {x.shape}, {z.shape} and {y.shape}: give "
            "x (n, ...), z (p, d) or (n, p, d), and y (n, p) or (n, p, k); three "
            "arrays that are something else go into a dict."
        )


def _name(path: tuple, data: PyTree) -> str:
    if type(data) is tuple and len(data) == 2:
        return "xy"[path[0].idx] + jax.tree_util.keystr(path[1:])
    return jax.tree_util.keystr(path).lstrip(".") or "data"
