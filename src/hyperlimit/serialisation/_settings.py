"""What a module is besides its arrays, as text that can be compared."""

import dataclasses
import re
from collections.abc import Iterator

import equinox as eqx
import jax
from jaxtyping import PyTree

from hyperlimit.serialisation._arrays import array_name, is_array

# Where an object lies in memory says nothing of what it is.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def settings_of(module: PyTree) -> dict[str, str]:
    """Classes, static fields and leaves that are no arrays, by their paths."""
    return dict(_settings(module, ""))


def _settings(node: object, path: str) -> Iterator[tuple[str, str]]:
    if is_array(node):
        return
    if isinstance(node, eqx.Module):
        yield f"the class of {path or 'the module'}", type(node).__name__
        for field in dataclasses.fields(node):
            value = getattr(node, field.name, None)
            inner = f"{path}.{field.name}" if path else field.name
            if field.metadata.get("static", False):
                yield inner, _text(value)
            else:
                yield from _settings(value, inner)
        return
    leaves = jax.tree_util.tree_leaves_with_path(
        node, is_leaf=lambda inside: inside is not node
    )
    for place, inside in leaves:
        if inside is node:
            yield path, _text(node)
        else:
            yield from _settings(inside, path + array_name(place))


def _text(value: object) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return _ADDRESS.sub("", repr(value))
