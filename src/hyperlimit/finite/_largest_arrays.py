"""How large the arrays are that a function of rows makes."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree


class LargestArrays(NamedTuple):
    """Bytes of the largest array that grows with the rows, for one row, and of one
    that does not."""

    own: int
    shared: int


def largest_arrays(function: Callable[[PyTree], PyTree], rows: PyTree) -> LargestArrays:
    """The arrays that a function makes of arrays with a row for each example.

    It is traced on one row and on two: what grows between them belongs to the rows.
    """
    one, two = (_sizes(function, rows, count) for count in (1, 2))
    grown = [b - a for a, b in zip(one, two, strict=True)]
    same = [a for a, b in zip(one, two, strict=True) if a == b]
    return LargestArrays(max(grown, default=0), max(same, default=0))


def _sizes(function: Callable[[PyTree], PyTree], rows: PyTree, count: int) -> list[int]:
    some = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct((count, *a.shape[1:]), a.dtype), rows
    )
    closed = jax.make_jaxpr(function)(some)
    known = [*closed.jaxpr.invars, *closed.jaxpr.constvars]
    return [_bytes(v) for v in known] + [_bytes(v) for v in _made(closed.jaxpr)]


def _made(jaxpr: Any) -> Iterator[Any]:
    """What every equation gives, those of functions that are called among them."""
    for equation in jaxpr.eqns:
        yield from equation.outvars
        for parameter in equation.params.values():
            inner = getattr(parameter, "jaxpr", parameter)
            if hasattr(inner, "eqns"):
                yield from _made(inner)


def _bytes(variable: Any) -> int:
    return int(np.prod(variable.aval.shape)) * variable.aval.dtype.itemsize
