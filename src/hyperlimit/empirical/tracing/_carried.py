"""Operations that move, scale and add the entries of arrays, and do no more."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array

from hyperlimit.empirical.tracing._entries import Source

_REARRANGED = ("reshape", "squeeze", "expand_dims", "copy", "copy_p")
_PERMUTED = ("transpose", "rev")
_SUMS = ("add", "sub", "add_any")

Sources = tuple[Source, ...]


def carried(
    equation: core.JaxprEqn,
    operands: Sequence[tuple[Array, Sources]],
    results: list[Array],
) -> list[Sources] | None:
    """The sources of the results, or None where entries are not to be told any more."""
    name = equation.primitive.name
    (first, sources), result = operands[0], results[0]
    if name in _REARRANGED:
        return [sources]
    if name in _PERMUTED:
        return [tuple(s._replace(ordered=False) for s in sources)]
    if name == "broadcast_in_dim" and result.size == first.size:
        return [sources]
    if name == "convert_element_type":
        floats = all(jnp.issubdtype(a.dtype, jnp.floating) for a in (first, result))
        return [sources] if floats else None
    if name == "neg":
        return [_scaled(sources, -1.0)]
    if name in _SUMS and all(array.shape == result.shape for array, _ in operands):
        return [sources + _scaled(operands[1][1], -1.0 if name == "sub" else 1.0)]
    if name in ("mul", "div"):
        return _multiplied(equation, operands)
    if name in ("slice", "split") and first.ndim == 1:
        return _cut(equation, sources)
    return None


def _scaled(sources: Sources, factor: float) -> Sources:
    return tuple(s._replace(scale=s.scale * factor) for s in sources)


def _multiplied(
    equation: core.JaxprEqn, operands: Sequence[tuple[Array, Sources]]
) -> list[Sources] | None:
    """By a number that is written in the equation."""
    one, two = equation.invars
    division = equation.primitive.name == "div"
    if isinstance(two, core.Literal):
        number = float(two.val)
        return [_scaled(operands[0][1], 1 / number if division else number)]
    if isinstance(one, core.Literal) and not division:
        return [_scaled(operands[1][1], float(one.val))]
    return None


def _cut(equation: core.JaxprEqn, sources: Sources) -> list[Sources] | None:
    """A vector to one piece, or to several."""
    if not all(source.ordered for source in sources):
        return None
    params = equation.params
    if equation.primitive.name == "split":
        ends, pieces = 0, []
        for size in params["sizes"]:
            pieces.append((ends, ends + size))
            ends += size
    else:
        if params["strides"] is not None and tuple(params["strides"]) != (1,):
            return None
        pieces = [(params["start_indices"][0], params["limit_indices"][0])]
    return [
        tuple(s._replace(start=s.start + a, stop=s.start + b) for s in sources)
        for a, b in pieces
    ]
