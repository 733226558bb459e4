"""A network: inputs, then layers in a row."""

from dataclasses import dataclass, field, replace
from typing import final

from hyperlimit.errors import InputError
from hyperlimit.layers import (
    AbstractInputs,
    AbstractLayer,
    Coordinates,
    Dense,
    Elementwise,
    Images,
    Size,
    layers_inside,
    needs_all_pairs,
)
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class Network:
    """Layers in a row, as frozen data: nothing here has values yet.

    Args:
        layers: applied first to last.
        inputs: how raw inputs enter; as they are, by default.
        in_size: the length of a raw input, or the (height, width, channels) of an
            image, if it is known already. Only finite networks need it, and take it
            from an example input otherwise.

    Raises:
        InputError: without layers, or for a thing that is not a layer.
    """

    layers: tuple[AbstractLayer, ...]
    inputs: AbstractInputs = field(default_factory=Coordinates)
    in_size: Size | None = None

    def __post_init__(self):
        # A list, too, is taken; only tuples hash.
        object.__setattr__(self, "layers", tuple(self.layers))
        if not isinstance(self.inputs, AbstractInputs):
            raise InputError(
                f"inputs={self.inputs!r} says nothing about inputs: give hl.Images(), "
                "hl.FourierFeatures(...) or hl.Coordinates()."
            )
        if not self.layers:
            raise InputError("a network of no layers was given: give at least one.")
        for position, layer in enumerate(self.layers):
            if not isinstance(layer, AbstractLayer):
                raise InputError(
                    f"layer {position} is {layer!r}, not a layer: give one of "
                    "hyperlimit.layers."
                )

    def with_out(self, size: int) -> "Network":
        """The same network with a last dense layer of the given width."""
        last = self.layers[-1]
        if not isinstance(last, Dense):
            raise InputError(
                f"the last layer is {last!r}: a network whose outputs are sized by "
                "what it feeds must end in a Dense layer."
            )
        return replace(self, layers=(*self.layers[:-1], replace(last, width=size)))

    def parameters(self, in_size: Size) -> tuple[tuple[Parameter, ...], ...]:
        """The arrays of every layer for raw inputs of a length."""
        size, found = self.inputs.out_size(in_size), []
        for layer in self.layers:
            found.append(layer.parameters(size))
            size = layer.out_size(size)
        return tuple(found)

    @property
    def limit_inputs(self) -> AbstractInputs:
        """The inputs as kernels read them: all pairs of positions where it pools."""
        pools = any(needs_all_pairs(layer) for layer in layers_inside(self.layers))
        if isinstance(self.inputs, Images) and pools:
            return replace(self.inputs, all_pairs=True)
        return self.inputs

    def out_size(self, in_size: Size) -> Size:
        """The size of the outputs for a size of the raw inputs."""
        size = self.inputs.out_size(in_size)
        for layer in self.layers:
            size = layer.out_size(size)
        return size

    @property
    def dense_layers(self) -> int:
        """The depth: how many layers have weights."""
        return sum(isinstance(layer, Dense) for layer in layers_inside(self.layers))

    @property
    def activations(self) -> int:
        """How many activations a forward pass goes through."""
        inside = layers_inside(self.layers)
        return sum(isinstance(layer, Elementwise) for layer in inside)
