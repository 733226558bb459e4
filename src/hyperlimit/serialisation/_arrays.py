"""The arrays of a pytree by name, and the names of their types in a file."""

import os

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from hyperlimit.errors import InputError

# The types of safetensors that JAX has, by their names in the file.
DTYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype(bool),
    "U8": np.dtype(np.uint8),
    "U16": np.dtype(np.uint16),
    "U32": np.dtype(np.uint32),
    "U64": np.dtype(np.uint64),
    "I8": np.dtype(np.int8),
    "I16": np.dtype(np.int16),
    "I32": np.dtype(np.int32),
    "I64": np.dtype(np.int64),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(jnp.bfloat16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
    "C64": np.dtype(np.complex64),
}


def array_name(path: tuple) -> str:
    """The name of a leaf: its path as JAX prints it, without the leading dot."""
    return jax.tree_util.keystr(path).removeprefix(".")


def is_array(leaf: object) -> bool:
    """Whether a leaf is stored: an array, or the shape and type of one."""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | jax.ShapeDtypeStruct)


def is_random_key(leaf: object) -> bool:
    """Whether an array is a typed random key of JAX, stored as its data."""
    return jnp.issubdtype(getattr(leaf, "dtype", np.dtype(bool)), jax.dtypes.prng_key)


def named_arrays(tree: PyTree) -> dict[str, PyTree]:
    """The array leaves of a pytree by name."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {array_name(path): leaf for path, leaf in leaves if is_array(leaf)}


def check_path(path: object) -> None:
    """Raises an InputError for what is no path, such as a module in its place."""
    if not isinstance(path, str | os.PathLike):
        raise InputError(
            f"a {type(path).__name__} was given as the path: give the path first, then "
            "the module."
        )
