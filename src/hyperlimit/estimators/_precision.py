"""Arrays in the precision of the user's table, whatever JAX's default is."""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Tree = TypeVar("Tree")


def double_allowed():
    """A context in which float64 stays float64; float32 stays float32 in it too."""
    return jax.enable_x64(True)


def on_host(tree: Tree) -> Tree:
    """JAX's arrays as NumPy's, which keep float64 when they are unpickled."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def on_device(tree: Tree) -> Tree:
    """NumPy's arrays as JAX's; to be called where double precision is allowed."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, tree
    )
