"""The leaves of a module by their paths."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hyperlimit.serialisation import array_name


def named_leaves(module: PyTree) -> dict[str, PyTree]:
    """All leaves of a module by name, in order."""
    leaves = jax.tree_util.tree_leaves_with_path(module)
    return {array_name(path): leaf for path, leaf in leaves}


def can_be_generated(leaf: object) -> bool:
    """Whether a leaf is an array of real floating-point numbers."""
    return eqx.is_inexact_array(leaf) and not jnp.iscomplexobj(leaf)


def owner(module: PyTree, path: tuple) -> tuple[PyTree, str, str]:
    """The innermost module around a leaf, that module's name, and the field's."""
    node, found, name, field = module, module, "", ""
    for depth, step in enumerate(path):
        if isinstance(node, eqx.Module):
            found, name = node, array_name(path[:depth])
            field = getattr(step, "name", "")
        if isinstance(step, jax.tree_util.GetAttrKey):
            node = getattr(node, step.name)
        elif isinstance(step, jax.tree_util.SequenceKey):
            node = node[step.idx]
        elif isinstance(step, jax.tree_util.DictKey):
            node = node[step.key]
        else:
            break
    return found, name, field


def replaced(module: PyTree, values: Mapping[str, Array | None]) -> PyTree:
    """The module with other values, or none, at some of its leaves."""

    def value(path: tuple, leaf: PyTree) -> PyTree:
        return values.get(array_name(path), leaf)

    return jax.tree_util.tree_map_with_path(value, module, is_leaf=_is_none)


def _is_none(leaf: object) -> bool:
    return leaf is None
