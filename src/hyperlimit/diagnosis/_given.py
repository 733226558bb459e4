"""A network from a Python file, and data from a file or a data set's name."""

import importlib.util
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, PyTree
from numpy.typing import NDArray

from hyperlimit.data import LOADERS, load
from hyperlimit.errors import InputError
from hyperlimit.networks import Hypernetwork

Arrays = tuple[NDArray, NDArray, NDArray]


def network_from(
    place: str, key: Array
) -> tuple[PyTree, Callable[[Array], PyTree] | None]:
    """What a file calls a name, as "file.py:name", and how to draw others like it.

    The name is a network, a description, or a function that returns one; a function of
    one argument is given a random key.

    Raises:
        InputError: if there is no such file or name.
    """
    path, _, name = place.rpartition(":")
    if not path or not name:
        raise InputError(f"{place!r} names no network: give FILE.py:NAME.")
    file = Path(path)
    if not file.is_file():
        raise InputError(f"there is no file {path!r}: give FILE.py:NAME.")
    module_spec = importlib.util.spec_from_file_location(file.stem, file)
    if module_spec is None or module_spec.loader is None:
        raise InputError(f"{path!r} is no Python file: give FILE.py:NAME.")
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(
            f"{path} cannot be run ({_said(error, path)}): mend it."
        ) from error
    if not hasattr(module, name):
        names = [n for n in vars(module) if not n.startswith("_")]
        raise InputError(
            f"{path} has no {name!r}: give one of its names, {', '.join(names)}."
        )
    found = getattr(module, name)
    if not (inspect.isfunction(found) or inspect.isclass(found)):
        return found, None
    parameters = inspect.signature(found).parameters.values()
    wanted = [p for p in parameters if p.default is p.empty and p.kind not in _REST]
    if not wanted:
        return found(), None
    if len(wanted) > 1:
        names = ", ".join(p.name for p in wanted)
        raise InputError(
            f"{path}:{name} takes {names}: give a network, or what returns one from a "
            "random key alone."
        )

    def draw(key: Array) -> PyTree:
        only = wanted[0]
        by_name = only.kind == only.KEYWORD_ONLY
        return found(**{only.name: key}) if by_name else found(key)

    drawn = draw(key)
    return drawn, None if isinstance(drawn, Hypernetwork) else draw


_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _said(error: Exception, path: str) -> str:
    """What is wrong, and in which line of a file."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).name == Path(path).name]
    where = f"line {lines[-1]}: " if lines else ""
    reason = str(error).split("\n")[0].rstrip(".").replace(". ", "; ")
    return f"{where}{type(error).__name__}: {reason}"


def data_from(source: str) -> Arrays:
    """x, z and y from an .npz file, or images as functions of a coordinate.

    Of images (mnist, digits, faces, or a folder) x is the upper half, standardised, z
    the pixels' coordinates with unit variance, y the pixels less the mean image.

    Raises:
        InputError: for a file without these arrays, or a name that is neither.
    """
    if source.endswith(".npz"):
        if not Path(source).is_file():
            raise InputError(
                f"there is no file {source!r}: give a file of numpy.savez with x, z "
                "and y."
            )
        try:
            with np.load(source, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file}
        except (OSError, ValueError) as error:
            raise InputError(
                f"{source!r} cannot be read as arrays: give a file of numpy.savez with "
                "x, z and y."
            ) from error
        missing = [name for name in "xzy" if name not in arrays]
        if missing:
            raise InputError(
                f"{source} holds {', '.join(arrays) or 'nothing'} and not "
                f"{', '.join(missing)}: give x (b, ...), z (p, ...) and y (b, p)."
            )
        return arrays["x"], arrays["z"], arrays["y"]
    if source not in LOADERS and not Path(source).is_dir():
        raise InputError(
            f"data {source!r} is neither an .npz file, a folder of images nor one of "
            f"{', '.join(LOADERS)}: give one of these."
        )
    pixels = load(source).pixels
    chosen = np.random.default_rng(0).permutation(len(pixels))[:500]
    return image_task(pixels[chosen])


def image_task(pixels: NDArray) -> Arrays:
    """Images (n, h, w, c) as functions of coordinates, given the upper half."""
    count, height, width, channels = pixels.shape
    x = pixels[:, : height // 2].reshape(count, -1)
    x = (x - x.mean()) / (x.std() + 1e-6)
    rows, columns = np.meshgrid(*(_unit(n) for n in (height, width)), indexing="ij")
    z = np.stack([rows, columns], axis=-1).reshape(-1, 2)
    y = pixels.reshape(count, -1, channels)
    kind = np.float32
    return x.astype(kind), z.astype(kind), (y - y.mean(axis=0)).astype(kind)


def _unit(count: int) -> NDArray:
    """Equal steps about 0 of unit variance."""
    places = np.arange(count) - (count - 1) / 2
    return places / max(places.std(), 1e-6)


def dtype_like(arrays: Arrays, net: PyTree) -> Arrays:
    """Floating-point arrays in the type of the network's."""
    leaves = [a for a in jax.tree.leaves(net) if hasattr(a, "dtype")]
    kinds = [a.dtype for a in leaves if np.issubdtype(a.dtype, np.floating)]
    kind = kinds[0] if kinds else jax.dtypes.canonicalize_dtype(float)
    x, z, y = (
        a.astype(kind) if np.issubdtype(a.dtype, np.floating) else a for a in arrays
    )
    return x, z, y
