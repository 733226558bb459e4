"""What a layer must say: its parameters, its finite map, its infinite recursion."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from jaxtyping import Array, Float

from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.parametrisation import Parameter


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
    def out_size(self, in_size: int) -> int:
        """The number of outputs for a number of inputs."""

    @abstractmethod
    def parameters(self, in_size: int) -> tuple[Parameter, ...]:
        """The arrays of the layer; those of scale zero are left out."""

    @abstractmethod
    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; None leaves it to the role."""

    @abstractmethod
    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, " d"]
    ) -> Float[Array, " k"]:
        """The finite map on one input; `values` have their multipliers in them."""

    @abstractmethod
    def limit(
        self, state: KernelState, sources: Mapping[str, KernelState | None]
    ) -> KernelState:
        """The recursion at infinite width; a source of None is an own parameter."""
