"""What a grid regression is given, checked."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from hyperlimit.errors import InputError
from hyperlimit.regression._noise import check_finite


class GridInputs(NamedTuple):
    """Checked inputs and targets.

    Attributes:
        z: (p, d_z), or of each function its own.
        known: (n, p), or None for coordinates of every function's own.
        values: those that are known, (v, k).
        flat: whether a function has one output without an axis for it.
    """

    x: Float[Array, "n ..."]
    z: Any
    known: Bool[np.ndarray, "n p"] | None
    values: Float[Array, "v k"]
    flat: bool


def grid_inputs(
    x: Float[Array, "n ..."],
    z: Any,
    targets: Any,
    known: ArrayLike | None,
) -> GridInputs:
    """Checks coordinates and targets, common or of each function's own."""
    if isinstance(z, list | tuple) and len(z) and np.ndim(z[0]) == 2:
        return _own_coordinates(x, z, targets, known)
    where = checked_coordinates(z, x.dtype)
    values = np.asarray(targets)
    flat = values.ndim == 2
    values = values[..., None] if flat else values
    count = (len(x), len(where))
    if values.ndim != 3 or values.shape[:2] != count:
        raise InputError(
            f"targets have shape {np.shape(targets)} for {count[0]} rows of x and "
            f"z of shape {where.shape}: give (n, p) or (n, p, k)."
        )
    observed = _known(known, count)
    check_finite("known targets", values[observed])
    return GridInputs(x, where, observed, jnp.asarray(values[observed], x.dtype), flat)


def _own_coordinates(
    x: Float[Array, "n ..."], z: Sequence[Any], targets: Any, known: Any
) -> GridInputs:
    parts = [checked_coordinates(part, x.dtype) for part in z]
    if known is not None:
        raise InputError(
            "known was given with coordinates of every function's own: give only the "
            "coordinates and targets that are known."
        )
    if len(parts) != len(x) or len(targets) != len(x):
        raise InputError(
            f"coordinates of {len(parts)} functions and targets of {len(targets)} were "
            f"given for {len(x)} rows of x: give one array of each a row."
        )
    values = [np.asarray(part) for part in targets]
    flat = values[0].ndim == 1
    values = [part[:, None] if flat else part for part in values]
    for index, (part, where) in enumerate(zip(values, parts, strict=True)):
        if part.ndim != 2 or len(part) != len(where):
            raise InputError(
                f"targets of function {index} have shape {np.shape(targets[index])} "
                f"for {len(where)} coordinates: give (p_i,) or (p_i, k)."
            )
    every = np.concatenate(values)
    check_finite("targets", every)
    return GridInputs(x, parts, None, jnp.asarray(every, x.dtype), flat)


def checked_images(
    name: str, given: ArrayLike, dtype: jnp.dtype, rank: int
) -> Float[Array, "n ..."]:
    """Rows (n, d), or images, checked."""
    if isinstance(given, tuple | list):
        raise InputError(
            f"{name} is a {type(given).__name__}: give an array (n, d), and the "
            "coordinates apart."
        )
    array = np.asarray(given)
    if array.ndim != rank + 1 or 0 in array.shape:
        wanted = "(n, d)" if rank == 1 else "(n, height, width, channels)"
        raise InputError(
            f"{name} has shape {array.shape}: give {wanted}, one row an example."
        )
    check_finite(name, array)
    return jnp.asarray(array, dtype)


def checked_coordinates(z: ArrayLike, dtype: jnp.dtype) -> Float[Array, "p dz"]:
    """Coordinates (p, d_z), checked."""
    array = np.asarray(z)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"z has shape {array.shape}: give coordinates (p, d).")
    check_finite("z", array)
    return jnp.asarray(array, dtype)


def _known(given: ArrayLike | None, shape: tuple[int, int]) -> Bool[np.ndarray, "n p"]:
    if given is None:
        return np.ones(shape, bool)
    known = np.asarray(given)
    if known.dtype != bool or known.shape != shape:
        raise InputError(
            f"known has shape {known.shape} and type {known.dtype} for targets of "
            f"{shape}: give one boolean a target."
        )
    if not known.any():
        raise InputError("no target is known: mark at least one.")
    return known
