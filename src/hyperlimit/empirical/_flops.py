"""Counted cost of a function: multiplications in products, and its largest array."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
from jax.extend import core


class Cost(NamedTuple):
    """What a function costs.

    Attributes:
        flops: two for each multiplication in matrix products and convolutions.
        largest: the bytes of the largest array on the way.
    """

    flops: float
    largest: float


def counted(function: Callable, *arguments: object) -> Cost:
    """The cost of a function of arrays, or of their shapes, without running it."""
    closed = jax.make_jaxpr(function)(*arguments)
    return _count(closed.jaxpr, [True] * len(closed.jaxpr.outvars))


def _count(jaxpr: core.Jaxpr, wanted: list[bool]) -> Cost:
    """Goes backwards, so that what nobody reads costs nothing."""
    needed = {
        atom
        for atom, want in zip(jaxpr.outvars, wanted, strict=True)
        if want and not isinstance(atom, core.Literal)
    }
    flops, largest = 0.0, 0.0
    for equation in reversed(jaxpr.eqns):
        live = [variable in needed for variable in equation.outvars]
        if not any(live):
            continue
        needed |= {a for a in equation.invars if not isinstance(a, core.Literal)}
        cost = _equation(equation, live)
        flops += cost.flops
        largest = max(largest, cost.largest, *(_bytes(v) for v in equation.outvars))
    return Cost(flops, largest)


def _equation(equation: core.JaxprEqn, live: list[bool]) -> Cost:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        left = _shape(equation.invars[0])
        length = math.prod(left[axis] for axis in contracted)
        return Cost(2.0 * math.prod(_shape(equation.outvars[0])) * length, 0.0)
    if name == "conv_general_dilated":
        kernel = _shape(equation.invars[1])
        outputs = kernel[params["dimension_numbers"].rhs_spec[0]]
        size = math.prod(_shape(equation.outvars[0]))
        return Cost(2.0 * size * math.prod(kernel) / outputs, 0.0)
    inner = []
    for jaxpr in _inner(params):
        alike = len(live) == len(jaxpr.outvars)
        inner.append(_count(jaxpr, live if alike else [True] * len(jaxpr.outvars)))
    times = params["length"] if name == "scan" else 1
    return Cost(
        times * sum(cost.flops for cost in inner),
        max((cost.largest for cost in inner), default=0.0),
    )


def _inner(params: dict) -> list[core.Jaxpr]:
    found = []
    for value in params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            if isinstance(item, core.ClosedJaxpr):
                found.append(item.jaxpr)
            elif isinstance(item, core.Jaxpr):
                found.append(item)
    return found


def _shape(atom: core.Var | core.Literal) -> tuple[int, ...]:
    return tuple(getattr(atom.aval, "shape", ()))


def _bytes(atom: core.Var) -> float:
    itemsize = getattr(getattr(atom.aval, "dtype", None), "itemsize", 0)
    return float(math.prod(_shape(atom)) * itemsize)
