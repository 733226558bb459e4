"""How far entries of an operator are off, where that is likeliest to be most."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.limits.gram._near import at_all_distances, nearest_apart
from hyperlimit.limits.gram._points import Points
from hyperlimit.limits.gram._setting import Sides
from hyperlimit.linalg.operators import AbstractOperator

# Points on the left and as many on the right, so that one function is compiled: all
# their pairs are checked.
_POINTS = 320
# Pairs of images and of coordinates that are looked for, and images of the left that
# they are looked for among.
_PAIRS, _SOUGHT = 8, 1024
# What one less a cosine is by rounding.
_ROUNDING = 1e-14

# Left and right members of pairs.
Pairs = tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]


def checked_error(
    exact: Callable[[tuple[Array, Array], tuple[Array, Array]], Array],
    operator: AbstractOperator,
    sides: Sides,
    gap: Float[np.ndarray, "p q"] | None,
) -> float:
    """The largest deviation over 100,000 entries, those of near points among them.

    Of the closest images, equal ones, and some at random, with one another; at the
    closest coordinates, equal ones, at others that are near, and some at random.

    Args:
        exact: the kernel of all pairs.
        operator: between all points of both sides.
        sides: the points.
        gap: between coordinates; None if they are of no grid.
    """
    draw = np.random.default_rng(0)
    left, right = sides.left, sides.right
    rows = draw.integers(0, len(left), _POINTS)
    columns = draw.integers(0, len(right), _POINTS)
    images = _near_images(sides, draw)
    places = None if gap is None else _near_places(gap, draw)
    for index, points, side in ((rows, left, 0), (columns, right, 1)):
        # Images of the left on the right as well are pairs of equal ones.
        image = np.unique(
            np.concatenate(images) if sides.same and side else images[side]
        )
        if places is None:
            found = _firsts(points, image)
        else:
            place = np.concatenate(places) if sides.same and side else places[side]
            found = _known(points, image, np.unique(place), draw)
        found = found[: len(index)]
        index[: len(found)] = found
    with jax.enable_x64(True):
        a, b = (
            (jnp.asarray(x), jnp.asarray(z))
            for x, z in (left.some(rows), right.some(columns))
        )
        expected = np.asarray(exact(a, b))
    made = np.asarray(_block(operator, jnp.asarray(rows), jnp.asarray(columns)))
    return float(np.abs(made.astype(np.float64) - expected).max())


@eqx.filter_jit
def _block(operator: AbstractOperator, rows: Array, columns: Array) -> Array:
    return operator.block(rows, columns)


def _near_images(sides: Sides, draw: np.random.Generator) -> Pairs:
    """The closest, the closest that are not equal, and nearest ones of any."""
    left, right = sides.left, sides.right
    rows = draw.permutation(len(left.x))[:_SOUGHT]
    one, two = (_directions(side.x) for side in (left, right))
    gap = 1 - one[rows] @ two.T
    gap = np.where(gap < _ROUNDING, 0, gap)
    if sides.same:
        gap[np.arange(len(rows)), rows] = np.inf
    nearest, apart = np.argmin(gap, axis=1), nearest_apart(gap)
    every, third = np.arange(len(rows)), _PAIRS // 3
    closest = np.argsort(gap[every, nearest], kind="stable")[:third]
    distinct = np.argsort(
        np.where(gap[every, apart] > 0, gap[every, apart], np.inf), kind="stable"
    )[:third]
    some = every[: _PAIRS - 2 * third]
    return (
        rows[np.concatenate([closest, distinct, some])],
        np.concatenate([nearest[closest], apart[distinct], nearest[some]]),
    )


def _near_places(gap: Float[np.ndarray, "p q"], draw: np.random.Generator) -> Pairs:
    """The closest that are not equal, some at every distance, and any."""
    nearest = nearest_apart(gap)
    least = gap[np.arange(len(gap)), nearest]
    half = _PAIRS // 2
    closest = np.argsort(np.where(least > 0, least, np.inf), kind="stable")[:half]
    spread = draw.permutation(at_all_distances(least, 8 * _PAIRS, draw))
    rows = np.concatenate([closest, spread[: half - 1], draw.integers(0, len(gap), 1)])
    return rows, nearest[rows]


def _directions(x: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n d"]:
    """Images of unit length; one that is zero everywhere stays so."""
    flat = x.reshape(len(x), -1)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(norm > 0, norm, 1)


def _firsts(points: Points, image: np.ndarray) -> np.ndarray:
    """The first point of each image."""
    if points.image is None:
        return image * len(points.z)
    first = np.searchsorted(points.image, image)
    there = first < len(points)
    first, image = first[there], image[there]
    return first[points.image[first] == image]


def _known(
    points: Points, image: np.ndarray, place: np.ndarray, draw: np.random.Generator
) -> np.ndarray:
    """All of the images at all of the places, as far as they are meant.

    And of other images some at each of the places.
    """
    wanted = (image[:, None] * len(points.z) + place[None]).reshape(-1)
    index = points.index
    if index is None:
        return wanted
    found = np.flatnonzero(np.isin(index, wanted))
    other = [draw.permutation(np.flatnonzero(points.place == p))[:4] for p in place]
    return np.unique(np.concatenate([found, *other]))
