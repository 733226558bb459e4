"""Writing the arrays of a module."""

import contextlib
import json
import os
import secrets
from pathlib import Path

import jax
import numpy as np
import safetensors.numpy
from jaxtyping import PyTree

from hyperlimit.errors import InputError
from hyperlimit.serialisation._arrays import (
    DTYPES,
    check_path,
    is_random_key,
    named_arrays,
)
from hyperlimit.serialisation._settings import settings_of


def save(path: str | os.PathLike[str], net: PyTree) -> None:
    """Writes every array of a module to a safetensors file, by its path in the module.

    The file appears whole or not at all: it is written under another name in the same
    folder, and then takes the place of an older one. What is not an array (functions,
    sizes, Python numbers) is stored as text only, which `load` compares with the module
    that it is given. Memory: one copy of the arrays.

    Args:
        path: the file.
        net: any module of the library, any Equinox module, or any pytree.

    Raises:
        InputError: if the file cannot be written, there are no arrays, or there is
            one of a type that safetensors does not have.

    Examples:
        >>> import tempfile, jax, hyperlimit as hl
        >>> spec = hl.mlp(depth=2, width=8, out=1)
        >>> net = hl.init(spec, key=jax.random.key(0), x=3)
        >>> like = hl.init(spec, key=jax.random.key(1), x=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     hl.save(folder + "/net.safetensors", net)
        ...     back = hl.load(folder + "/net.safetensors", like)
        >>> bool((back(jax.numpy.ones(3)) == net(jax.numpy.ones(3))).all())
        True
    """
    check_path(path)
    arrays = {name: _stored(name, leaf) for name, leaf in named_arrays(net).items()}
    if all(is_random_key(leaf) for leaf in named_arrays(net).values()):
        raise InputError(
            f"there is no array to save in a {type(net).__name__}: give a module that "
            "has been initialised, by hl.init with an example of x and of z."
        )
    metadata = {"settings": json.dumps(settings_of(net))}
    target = Path(path)
    # A name of its own in the same folder, since a rename is atomic only there.
    temporary = target.with_name(f".hyperlimit-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(safetensors.numpy.save(arrays, metadata))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise InputError(
            f"the file {str(path)!r} cannot be written "
            f"({error.strerror or 'unknown reason'}): give one in a folder that can be."
        ) from error
    finally:
        # It has been renamed, or there is no such folder.
        with contextlib.suppress(OSError):
            temporary.unlink()


def _stored(name: str, leaf: PyTree) -> np.ndarray:
    if isinstance(leaf, jax.ShapeDtypeStruct):
        raise InputError(
            f"{name} has a shape and no values: give a module that has been "
            "initialised."
        )
    array = np.asarray(jax.random.key_data(leaf) if is_random_key(leaf) else leaf)
    if array.dtype not in DTYPES.values():
        raise InputError(
            f"{name} is of type {array.dtype}, which safetensors does not have: use "
            f"one of {', '.join(str(dtype) for dtype in DTYPES.values())}."
        )
    return np.require(array, requirements="C")
