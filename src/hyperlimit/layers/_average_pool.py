"""Average pooling, over windows and over the whole image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.layers._base import (
    AbstractLayer,
    AbstractParameterFreeLayer,
    AbstractSpatialLayer,
    Size,
    Sources,
    image_size,
)
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._position_averages import equal_positions, independent_windows
from hyperlimit.layers._spatial_state import SpatialState
from hyperlimit.linalg import Windows, sliding


@final
@dataclass(frozen=True)
class AveragePool(AbstractParameterFreeLayer, AbstractSpatialLayer):
    r"""$y(p) = \frac1k \sum_o q(s p + o)$ over windows of k positions.

    $$K(p, p') \to \frac{1}{k^2} \sum_{o, o'} K(s p + o, s p' + o'),$$

    and the same for $T$: kernels then need all pairs of positions. Windows lie inside
    the image.

    Args:
        window: side of the window, or (height, width).
        stride: by default the window: windows side by side.

    Raises:
        InputError: for lengths below one.
    """

    window: int | tuple[int, int] = 2
    stride: int | tuple[int, int] | None = None

    def __post_init__(self):
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """The windows that are averaged over."""
        stride = self.window if self.stride is None else self.stride
        return sliding(self.window, stride, "none")

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: yes."""
        return True

    def out_size(self, in_size: Size) -> Size:
        """The size of the output image."""
        height, width, channels = image_size(self, in_size)
        return (*self.windows.out((height, width)), channels)

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "h w c"]
    ) -> Float[Array, "h2 w2 c"]:
        """The finite map on one input."""
        del values
        return self.windows.totals(inputs, [(0, 1)]) / self.windows.size

    def spatial_limit(self, state: SpatialState, sources: Sources) -> SpatialState:
        """The recursion at infinite width."""
        del sources
        return independent_windows(state, self.windows)


@final
@dataclass(frozen=True)
class GlobalAveragePool(AbstractParameterFreeLayer, AbstractSpatialLayer):
    r"""$y = \frac{1}{h w} \sum_p q(p)$: an image's channels, averaged; a vector.

    $$K \to \frac{1}{(h w)^2} \sum_{p, p'} K(p, p'),$$

    and the same for $T$: kernels then need all pairs of positions.
    """

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: yes."""
        return True

    def out_size(self, in_size: Size) -> Size:
        """The number of channels."""
        return image_size(self, in_size)[2]

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "h w c"]
    ) -> Float[Array, " c"]:
        """The finite map on one input."""
        del values
        return jnp.mean(inputs, axis=(0, 1))

    def spatial_limit(self, state: SpatialState, sources: Sources) -> KernelState:
        """The recursion at infinite width."""
        del sources
        size = state.cross.tangent.shape[-2:]
        whole = Windows((size[0], size[1]), (1, 1), "none")
        return equal_positions(independent_windows(state, whole))


def needs_all_pairs(layer: AbstractLayer) -> bool:
    """Whether the kernels of a layer need all pairs of positions of its inputs."""
    return isinstance(layer, AveragePool | GlobalAveragePool)
