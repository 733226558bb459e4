"""Evaluates equations one by one, and follows what becomes of parameters."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array

from hyperlimit.empirical.tracing._carried import carried
from hyperlimit.empirical.tracing._entries import Notes, Product, Source

# Equations that are other functions' calls and nothing else.
_CALLS = ("jit", "pjit", "closed_call", "core_call")


class Value(NamedTuple):
    """An array, where its entries come from, and its number if that is followed."""

    array: Array
    sources: tuple[Source, ...] = ()
    number: int | None = None


class Reader:
    """One evaluation.

    Args:
        sizes: how many numbers each parameter has.
        notes: where to write what is seen.
        kept: the products, by parameter, whose other operand is wanted.
        perturbations: what to add to values, by number.

    Attributes:
        operands: for each parameter in `kept`, what it is multiplied by, (l, i).
        arrays, shapes: of each value that is followed.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        notes: Notes,
        kept: Mapping[int, Product],
        perturbations: Mapping[int, Array],
    ):
        self._sizes, self._notes, self._kept = sizes, notes, kept
        self._perturbations = perturbations
        self.operands: dict[int, Array] = {}
        self.arrays: list[Array] = []
        self.shapes: list[jax.ShapeDtypeStruct] = []

    def parameter(self, index: int, array: Array) -> Value:
        """A parameter as a value; all of them come first, and in order."""
        return self._value(array, (Source(index, None, 1.0, 0, array.size, True),))

    def outputs(self, closed: core.ClosedJaxpr, given: list[Value]) -> list[Value]:
        """The outputs of a function; calls inside of it are gone into."""
        jaxpr = closed.jaxpr
        found: dict[core.Var, Value] = {
            variable: Value(jnp.asarray(array))
            for variable, array in zip(jaxpr.constvars, closed.consts, strict=True)
        }
        found.update(zip(jaxpr.invars, given, strict=True))

        def value(atom: core.Var | core.Literal) -> Value:
            if isinstance(atom, core.Literal):
                return Value(jnp.asarray(atom.val, getattr(atom.aval, "dtype", None)))
            return found[atom]

        for equation in jaxpr.eqns:
            operands = [value(atom) for atom in equation.invars]
            inner = equation.params.get("jaxpr")
            if equation.primitive.name in _CALLS and isinstance(
                inner, core.ClosedJaxpr
            ):
                results = self.outputs(inner, operands)
            else:
                arrays = _evaluated(equation, operands, jaxpr)
                results = self._followed(equation, operands, arrays)
            found.update(zip(equation.outvars, results, strict=True))
        return [value(atom) for atom in jaxpr.outvars]

    def _value(self, array: Array, sources: tuple[Source, ...]) -> Value:
        number = len(self.shapes)
        self.shapes.append(jax.ShapeDtypeStruct(array.shape, array.dtype))
        self._notes.contents[number] = sources, array.size
        if number in self._perturbations:
            array = array + self._perturbations[number]
        self.arrays.append(array)
        return Value(array, sources, number)

    def _followed(
        self, equation: core.JaxprEqn, operands: list[Value], arrays: list[Array]
    ) -> list[Value]:
        name = equation.primitive.name
        if name == "stop_gradient" or not any(o.sources for o in operands):
            return [Value(array) for array in arrays]
        if name == "dot_general":
            return [self._product(equation, operands, arrays[0])]
        pairs = [(operand.array, operand.sources) for operand in operands]
        sources = carried(equation, pairs, arrays)
        if sources is None:
            self._lost(operands)
            return [Value(array) for array in arrays]
        results = [self._value(a, s) for a, s in zip(arrays, sources, strict=True)]
        for operand in operands:
            if operand.number is not None:
                following = self._notes.results.setdefault(operand.number, [])
                following += [result.number for result in results]
        return results

    def _lost(self, values: Sequence[Value]) -> None:
        """Something was done after which entries are not to be told any more."""
        for value in values:
            self._notes.lost |= {(s.parameter, s.product) for s in value.sources}
            self._ended(value)

    def _ended(self, value: Value) -> None:
        if value.number is not None:
            self._notes.results.setdefault(value.number, []).append(None)

    def _product(
        self, equation: core.JaxprEqn, operands: list[Value], array: Array
    ) -> Value:
        contracted, batched = equation.params["dimension_numbers"]
        sides = [None if any(batched) else self._whole(o) for o in operands]
        if not any(sides):
            self._lost(operands)
            return Value(array)
        number, sources = len(self.shapes), []
        for side, source in enumerate(sides):
            if source is None:
                self._lost([operands[side]])
                continue
            self._ended(operands[side])
            other, axes = operands[1 - side].array, contracted[1 - side]
            free = [axis for axis in range(other.ndim) if axis not in axes]
            positions = math.prod(other.shape[axis] for axis in free)
            use = Product(source.parameter, number, side == 0, source.scale, positions)
            self._notes.products.append(use)
            if self._kept.get(source.parameter) == use:
                turned = jnp.transpose(other, [*free, *axes])
                self.operands[source.parameter] = turned.reshape(positions, -1)
            # The gradient in p of many positions is a sum of products.
            if positions == 1:
                sources.append(
                    Source(source.parameter, number, 1.0, 0, array.size, True)
                )
            else:
                self._notes.lost.add((source.parameter, number))
        return self._value(array, tuple(sources))

    def _whole(self, value: Value) -> Source | None:
        """The parameter that an array is, moved and scaled, if it is all of one."""
        if len(value.sources) != 1:
            return None
        (source,) = value.sources
        if source.product is not None:
            return None
        return source if source.length == self._sizes[source.parameter] else None


def _evaluated(
    equation: core.JaxprEqn, operands: list[Value], around: core.Jaxpr
) -> list[Array]:
    """One equation, by itself."""
    pairs = [
        (atom, operand.array)
        for atom, operand in zip(equation.invars, operands, strict=True)
        if not isinstance(atom, core.Literal)
    ]
    alone = core.Jaxpr(
        (),
        [atom for atom, _ in pairs],
        equation.outvars,
        [equation],
        equation.effects,
        around.debug_info,
    )
    return core.jaxpr_as_fun(core.ClosedJaxpr(alone, ()))(*(a for _, a in pairs))
