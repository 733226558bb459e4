"""A function that has been read: where its parameters enter, and how to pull back."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
from jaxtyping import Array

from hyperlimit.empirical.tracing._entries import Entry, Notes
from hyperlimit.empirical.tracing._reader import Reader, Value

Shape = Array | jax.ShapeDtypeStruct


class Observed(NamedTuple):
    """What is seen in one evaluation.

    Attributes:
        outputs: what the function gives.
        operands: for each parameter that enters by a product, an array (l, i): l
            positions that share the parameter, i entries that are summed over.
        junctions: the values whose cotangents are gradients' factors, by number.
    """

    outputs: list[Array]
    operands: dict[int, Array]
    junctions: dict[int, Array]


class Traced:
    """A function of parameters and an example, as equations.

    Args:
        function: (parameters, example) -> arrays, for one example.
        parameters, example: arrays, or their shapes and types.
        landings: whether entries whose cotangents are those of outputs are told apart.
        products: whether products are; or else all gradients are of whole parameters.

    Attributes:
        entries: how each parameter enters.
        outputs: shapes and types of what the function gives.
        perturbed: the same of the values whose cotangents are gradients' factors.
    """

    def __init__(
        self,
        function: Callable[[list[Array], list[Array]], list[Array]],
        parameters: Sequence[Shape],
        example: Sequence[Shape],
        *,
        landings: bool,
        products: bool = True,
    ):
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in parameters]
        others = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in example]
        self._shapes = shapes
        self._sizes = [math.prod(shape.shape) for shape in shapes]
        self._closed = jax.make_jaxpr(function)(shapes, others)
        self.outputs = [
            jax.ShapeDtypeStruct(a.shape, a.dtype) for a in self._closed.out_avals
        ]
        notes, first = Notes(), Reader(self._sizes, Notes(), {}, {})

        def read(parameters: list[Array], example: list[Array]) -> list[Array]:
            nonlocal first
            first = Reader(self._sizes, notes, {}, {})
            return self._read(first, parameters, example, notes)

        jax.eval_shape(read, shapes, others)
        if products:
            self.entries = tuple(
                notes.entry(index, landings) for index in range(len(shapes))
            )
        else:
            self.entries = tuple(Entry(junction=i) for i in range(len(shapes)))
        self._kept = {
            index: entry.product
            for index, entry in enumerate(self.entries)
            if entry.product is not None
        }
        self.perturbed = {
            entry.junction: first.shapes[entry.junction]
            for entry in self.entries
            if entry.pulled
        }

    def evaluate(
        self,
        perturbations: dict[int, Array],
        parameters: list[Array],
        example: list[Array],
    ) -> Observed:
        """The outputs with perturbed values, and what is met on the way."""
        reader = Reader(self._sizes, Notes(), self._kept, perturbations)
        outputs = self._read(reader, parameters, example, Notes())
        junctions = {number: reader.arrays[number] for number in self.perturbed}
        return Observed(outputs, reader.operands, junctions)

    def parameter_shape(self, parameter: int) -> tuple[int, ...]:
        """The shape of a parameter."""
        return self._shapes[parameter].shape

    def cotangent(self, parameter: int, junction: Array) -> Array:
        """That of a parameter, or of its product, (l, o), from that of its junction."""
        use = self._kept.get(parameter)
        if use is None:
            return junction.reshape(1, -1)
        if use.left:
            return junction.reshape(-1, use.positions).T
        return junction.reshape(use.positions, -1)

    def _read(
        self,
        reader: Reader,
        parameters: list[Array],
        example: list[Array],
        notes: Notes,
    ) -> list[Array]:
        given = [reader.parameter(*pair) for pair in enumerate(parameters)]
        given += [Value(array) for array in example]
        outputs = reader.outputs(self._closed, given)
        for number, output in enumerate(outputs):
            notes.landed += [(source, number) for source in output.sources]
        return [output.array for output in outputs]
