"""Which leaves of a module are generated: by type, by path or by function."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
from jaxtyping import PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite.modules._leaves import can_be_generated, named_leaves
from hyperlimit.serialisation import array_name

Where = type | str | Sequence[type | str] | Callable[[PyTree], PyTree]


def selected(module: PyTree, where: Where) -> tuple[str, ...]:
    """The names of the chosen leaves, in the order of the module.

    Raises:
        InputError: if nothing is chosen, or a leaf that cannot be generated is.
    """
    leaves = named_leaves(module)
    entries = list(where) if isinstance(where, list | tuple) else [where]
    if not entries:
        raise InputError("where is an empty list: name at least one path or type.")
    chosen: set[str] = set()
    for entry in entries:
        if isinstance(entry, type):
            found = _by_type(module, entry)
        elif isinstance(entry, str):
            found = _by_path(leaves, entry)
        elif callable(entry):
            found = _by_function(module, leaves, entry)
        else:
            raise InputError(
                f"where={entry!r} says nothing about leaves: give a type, a path such "
                "as 'layers[0].weight', a list of them, or a function of the module."
            )
        picked = [name for name in found if can_be_generated(leaves[name])]
        if not picked:
            raise _nothing(entry, leaves)
        chosen.update(picked)
    return tuple(name for name in leaves if name in chosen)


def _by_type(module: PyTree, kind: type) -> list[str]:
    nodes = jax.tree_util.tree_leaves_with_path(
        module, is_leaf=lambda node: isinstance(node, kind)
    )
    return [
        array_name((*path, *inner))
        for path, node in nodes
        if isinstance(node, kind)
        for inner, _ in jax.tree_util.tree_leaves_with_path(node)
    ]


def _by_path(leaves: dict[str, PyTree], prefix: str) -> list[str]:
    if prefix in leaves:
        _check_leaf(prefix, leaves[prefix])
        return [prefix]
    if not prefix:
        return list(leaves)
    return [
        name for name in leaves if name.startswith(prefix) and name[len(prefix)] in ".["
    ]


class _Named(eqx.Module):
    """Stands in for a leaf while a function chooses."""

    name: str = eqx.field(static=True)


def _by_function(
    module: PyTree, leaves: dict[str, PyTree], choose: Callable[[PyTree], PyTree]
) -> list[str]:
    names = jax.tree_util.tree_map_with_path(
        lambda path, _: _Named(array_name(path)), module
    )
    try:
        answer = choose(names)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise InputError(
            f"where cannot be called on the module ({error}): give a function such as "
            "lambda m: m.layers[-1]."
        ) from error
    found = []
    for node in answer if isinstance(answer, list | tuple) else [answer]:
        if isinstance(node, _Named):
            _check_leaf(node.name, leaves[node.name])
        inside = jax.tree.leaves(node, is_leaf=lambda leaf: isinstance(leaf, _Named))
        found += [leaf.name for leaf in inside if isinstance(leaf, _Named)]
    return found


def _check_leaf(name: str, leaf: PyTree) -> None:
    if not can_be_generated(leaf):
        kind = (
            f"an array of {leaf.dtype}" if eqx.is_array(leaf) else type(leaf).__name__
        )
        raise InputError(
            f"where picks {name}, which is {kind}: only arrays of real floating-point "
            "numbers can be generated."
        )


def _nothing(entry: object, leaves: dict[str, PyTree]) -> InputError:
    names = [name for name, leaf in leaves.items() if can_be_generated(leaf)]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    if isinstance(entry, str):
        what = f"where={entry!r}"
    else:
        name = getattr(entry, "__name__", repr(entry))
        what = "where, a function," if name == "<lambda>" else f"where={name}"
    return InputError(
        f"{what} picks no array that can be generated: the module's floating-point "
        f"arrays are {', '.join(names[:4]) or 'none at all'}{more}."
    )
