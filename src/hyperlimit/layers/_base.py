"""What a layer must say: its parameters, its finite map, its infinite recursion."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import final

import jax
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._spatial_state import SpatialState
from hyperlimit.parametrisation import Parameter

# What goes through a layer: a number of features, or (height, width, channels).
Size = int | tuple[int, int, int]
Sources = Mapping[str, KernelState | None]


def as_size(shape: Sequence[int]) -> Size:
    """The size of an array of one or three axes."""
    if len(shape) == 1:
        return shape[0]
    height, width, channels = shape
    return height, width, channels


class AbstractLayer(ABC):
    """A layer, described as frozen data and read in two ways.

    A layer says which of its parameters a meta-network *generates*; it does not know
    where their values, or their kernels, come from.
    """

    @property
    @abstractmethod
    def homogeneous(self) -> bool:
        """Whether scaling the input by c > 0 scales the output by c."""

    @abstractmethod
    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian of mean zero at infinite width.

        `incoming`: whether the inputs are."""

    @abstractmethod
    def out_size(self, in_size: Size) -> Size:
        """The size of the outputs for a size of the inputs."""

    @abstractmethod
    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of the layer; those of scale zero are left out."""

    @abstractmethod
    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; None leaves it to the role."""

    @abstractmethod
    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The finite map on one input; `values` have their multipliers in them."""

    def apply_columns(
        self, values: Mapping[str, Array], columns: Float[Array, "d p"]
    ) -> Float[Array, "k p"]:
        """The finite map on many vectors, the columns of a matrix.

        A layer that says more than `apply` on each saves compilers from moving axes.
        """

        def one(inputs: Float[Array, " d"]) -> Float[Array, " k"]:
            return self.apply(values, inputs)

        return jax.vmap(one, in_axes=1, out_axes=1)(columns)

    @abstractmethod
    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion at infinite width; a source of None is an own parameter."""

    @abstractmethod
    def spatial_limit(
        self, state: SpatialState, sources: Sources
    ) -> SpatialState | KernelState:
        """The same where what goes through are images."""


class AbstractParameterFreeLayer(AbstractLayer):
    """A layer without arrays of its own."""

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: if the inputs are."""
        return incoming

    @final
    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of the layer: none."""
        del in_size
        return ()

    @final
    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; there are none."""
        return {}


class AbstractVectorLayer(AbstractLayer):
    """A layer that reads vectors only."""

    @final
    def spatial_limit(self, state: SpatialState, sources: Sources) -> SpatialState:
        """Images are refused."""
        del state, sources
        raise InputError(
            f"{self!r} reads vectors and was given images: put Flatten() or "
            "GlobalAveragePool() before it."
        )


class AbstractPointwiseLayer(AbstractLayer):
    """A layer that acts on the features at every position of an image alike."""

    @final
    def out_size(self, in_size: Size) -> Size:
        """The size of the outputs: as the inputs."""
        return in_size

    @final
    def spatial_limit(self, state: SpatialState, sources: Sources) -> SpatialState:
        """The recursion at every pair of positions."""
        return state.everywhere(lambda part: self.limit(part, sources))


class AbstractSpatialLayer(AbstractLayer):
    """A layer that reads images only."""

    @final
    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """Vectors are refused."""
        del state, sources
        raise InputError(
            f"{self!r} reads images and was given vectors: start the network with "
            "inputs=Images(), and put it before Flatten()."
        )


def features(layer: AbstractLayer, size: Size) -> int:
    """The number of features of a vector.

    Raises:
        InputError: if the size is that of an image.
    """
    if isinstance(size, int):
        return size
    raise InputError(
        f"{layer!r} reads vectors and was given images of {size}: put Flatten() or "
        "GlobalAveragePool() before it."
    )


def image_size(layer: AbstractLayer, size: Size) -> tuple[int, int, int]:
    """The height, width and channels of images.

    Raises:
        InputError: if the size is that of a vector.
    """
    if isinstance(size, int):
        raise InputError(
            f"{layer!r} reads images and was given vectors of {size}: start the "
            "network with inputs=Images(), and put it before Flatten()."
        )
    return size


def advance(
    layer: AbstractLayer, state: KernelState | SpatialState, sources: Sources
) -> KernelState | SpatialState:
    """One layer of the recursion, whatever goes through."""
    if isinstance(state, SpatialState):
        return layer.spatial_limit(state, sources)
    return layer.limit(state, sources)
