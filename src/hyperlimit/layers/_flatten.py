"""An image as one vector."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.layers._base import (
    AbstractParameterFreeLayer,
    AbstractSpatialLayer,
    Size,
    Sources,
    image_size,
)
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._position_averages import equal_positions
from hyperlimit.layers._spatial_state import SpatialState


@final
@dataclass(frozen=True)
class Flatten(AbstractParameterFreeLayer, AbstractSpatialLayer):
    r"""All positions and channels as the features of one vector.

    $$K \to \frac{1}{h w} \sum_p K(p, p),$$

    and the same for $T$.
    """

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: yes."""
        return True

    def out_size(self, in_size: Size) -> Size:
        """The number of positions times channels."""
        return math.prod(image_size(self, in_size))

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "h w c"]
    ) -> Float[Array, " d"]:
        """The finite map on one input."""
        del values
        return jnp.ravel(inputs)

    def spatial_limit(self, state: SpatialState, sources: Sources) -> KernelState:
        """The recursion at infinite width."""
        del sources
        return equal_positions(state)
