"""Reading the arrays of a module."""

import json
import os
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
from jaxtyping import Array, PyTree

from hyperlimit.errors import InputError
from hyperlimit.serialisation._arrays import (
    DTYPES,
    array_name,
    check_path,
    is_array,
    is_random_key,
    named_arrays,
)
from hyperlimit.serialisation._settings import settings_of

Tree = TypeVar("Tree")


def load(
    path: str | os.PathLike[str], like: Tree, *, check_settings: bool = True
) -> Tree:
    """Reads a file of `save` into a module of the same description.

    Args:
        path: the file.
        like: a module whose arrays have the names, shapes and types of those in the
            file, such as a newly initialised one, or `eqx.filter_eval_shape` of its
            making. Its values are not used, and it stays as it is.
        check_settings: whether what is no array (an activation, a multiplier, a
            parametrisation) must be as it was, too.

    Returns:
        `like` with the arrays of the file, and its own of what is not an array.

    Raises:
        InputError: if there is no such file, it is cut short or of another kind, or
            names, shapes, types or settings differ from those of `like`.

    Examples:
        See `save`.
    """
    check_path(path)
    found, settings = _read(Path(path), str(path))
    expected = named_arrays(like)
    _check_names(str(path), set(found), set(expected))

    def leaf_of(place: tuple, leaf: PyTree) -> PyTree:
        if not is_array(leaf):
            return leaf
        name = array_name(place)
        return _restored(str(path), name, found[name], leaf)

    loaded = jax.tree_util.tree_map_with_path(leaf_of, like)
    if check_settings and settings is not None:
        _check_settings(str(path), settings, settings_of(like))
    return loaded


def _read(
    path: Path, given: str
) -> tuple[dict[str, np.ndarray], dict[str, str] | None]:
    """The arrays of a file, and the settings of their module if they are there."""
    try:
        content = path.read_bytes()
        stored = safetensors.deserialize(content)
    except OSError as error:
        raise InputError(
            f"the file {given!r} cannot be read ({error.strerror or 'unknown reason'}):"
            " give one that hyperlimit.save wrote."
        ) from error
    except safetensors.SafetensorError as error:
        raise InputError(
            f"the file {given!r} is cut short, or is no safetensors file: give one "
            "that hyperlimit.save wrote, or write it again."
        ) from error
    arrays = {}
    for name, entry in stored:
        if entry["dtype"] not in DTYPES:
            raise InputError(
                f"{name} in {given!r} is of type {entry['dtype']}, which JAX does not "
                "have: give a file that hyperlimit.save wrote."
            )
        flat = np.frombuffer(entry["data"], DTYPES[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"])
    # A length in eight bytes, then a JSON header, checked by deserialize above.
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    settings = header.get("__metadata__", {}).get("settings")
    return arrays, None if settings is None else json.loads(settings)


def _check_settings(given: str, found: dict[str, str], like: dict[str, str]) -> None:
    for name in [*found, *like]:
        one, two = (side.get(name, "nothing") for side in (found, like))
        if one != two:
            # The first letter that differs, or the end of the shorter.
            pairs = enumerate(zip(one, two, strict=False))
            shorter = min(len(one), len(two))
            place = next((index for index, (a, b) in pairs if a != b), shorter)
            raise InputError(
                f"{name} was {_about(one, place)} in what {given!r} was saved from, "
                f"and the module given as like has {_about(two, place)}: give one of "
                "the same settings, or check_settings=False."
            )


def _about(text: str, place: int) -> str:
    """Some of a text around a place."""
    start, end = max(0, place - 40), place + 40
    before = "..." if start else ""
    return before + text[start:end] + ("..." if end < len(text) else "")


def _check_names(given: str, found: set[str], expected: set[str]) -> None:
    for names, what in (
        (expected - found, "lacks"),
        (found - expected, "has, and the module given as like has not,"),
    ):
        if names:
            few = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise InputError(
                f"the file {given!r} {what} {len(names)} of the arrays, {few}: give a "
                "module of the description that was saved."
            )


def _restored(
    given: str, name: str, array: np.ndarray, leaf: PyTree
) -> Array | np.ndarray:
    key = is_random_key(leaf)
    data = jax.eval_shape(jax.random.key_data, leaf) if key else leaf
    shape, dtype = jnp.shape(data), jnp.dtype(data.dtype)
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"{name} in {given!r} is {array.dtype}{list(array.shape)} and the module "
            f"given as like has {dtype}{list(shape)}: give one of the sizes and the "
            "precision that were saved."
        )
    if isinstance(leaf, np.ndarray | np.generic):
        return array.copy()
    value = jnp.asarray(array)
    if key:
        return jax.random.wrap_key_data(value, impl=_key_impl(leaf))
    return value


def _key_impl(leaf: PyTree) -> str:
    found = []
    # Also of a leaf that is a shape and a type and has no values.
    jax.eval_shape(lambda key: found.append(jax.random.key_impl(key)), leaf)
    return found[0]
