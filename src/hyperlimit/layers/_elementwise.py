"""The layer that applies an activation to every coordinate."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from jaxtyping import Array, Float

from hyperlimit.activations import AbstractActivation, activation
from hyperlimit.errors import InputError
from hyperlimit.layers._base import (
    AbstractParameterFreeLayer,
    AbstractPointwiseLayer,
    Sources,
)
from hyperlimit.layers._kernel_state import KernelState


@final
@dataclass(frozen=True)
class Elementwise(AbstractParameterFreeLayer, AbstractPointwiseLayer):
    r"""$q = g \phi(y)$ with $g = (E\phi(N(0,1))^2)^{-1/2}$ if `unit`, else $g = 1$.

    $$K \to g^2 E[\phi(u)\phi(v)],\qquad T \to g^2 T E[\phi'(u)\phi'(v)],
      \qquad (u, v) \sim N(0, K).$$

    Args:
        activation: a name, an activation, or any elementwise function.
        unit: whether it is scaled to unit second moment.

    Raises:
        InputError: for an unknown name, or if the second moment is zero or not
            finite, so that no scale makes it one.
    """

    activation: AbstractActivation | str | Callable[[Array], Array]
    unit: bool = True

    def __post_init__(self):
        object.__setattr__(self, "activation", activation(self.activation))
        moment = self.function.second_moment()
        if not 0 < moment < float("inf"):
            raise InputError(
                f"the activation {self.function} has second moment {moment} under "
                "N(0, 1): give one for which it is positive and finite."
            )

    @property
    def function(self) -> AbstractActivation:
        """The activation that was given or named."""
        assert isinstance(self.activation, AbstractActivation)
        return self.activation

    @property
    def gain(self) -> float:
        """The factor g."""
        return 1 / math.sqrt(self.function.second_moment()) if self.unit else 1.0

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: as the activation."""
        return self.function.homogeneous

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: they are not."""
        del incoming
        return False

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The finite map on one input."""
        del values
        return self.gain * self.function(inputs)

    def apply_columns(
        self, values: Mapping[str, Array], columns: Float[Array, "d p"]
    ) -> Float[Array, "d p"]:
        """The finite map on many vectors: on each number."""
        return self.apply(values, columns)

    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion at infinite width."""
        del sources
        pair, transfer = self.function.propagate(state.pair, self.gain)
        return KernelState(pair, state.tangent * transfer, state.exponents)
