"""The two-dimensional convolution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import jax
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers._base import AbstractSpatialLayer, Size, Sources, image_size
from hyperlimit.layers._kernel_state import constant_state
from hyperlimit.layers._position_averages import shared_windows
from hyperlimit.layers._spatial_state import SpatialState
from hyperlimit.linalg import Windows, sliding
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class Convolution(AbstractSpatialLayer):
    r"""$y(p) = \frac{\sigma_w}{\sqrt{k c}} \sum_o W_o q(s p + o) + \sigma_b b$.

    For windows of k positions and c channels. With own parameters,

    $$K(p, p') \to \frac{\sigma_w^2}{k} \sum_o K(s p + o, s p' + o) + \sigma_b^2,\qquad
      T(p, p') \to \frac{\sigma_w^2}{k} \sum_o (T + K)(s p + o, s p' + o)
        + \sigma_b^2.$$

    Args:
        width: number of output channels; None leaves it to what is around the layer.
        window: side of the window, or (height, width).
        stride: $s$, one number or (down, across).
        padding: "zero" or "circular", which keep the size at stride 1, or "none".
        weight_std: $\sigma_w$, positive.
        bias_std: $\sigma_b$, zero for no biases.

    Raises:
        InputError: for numbers out of range or an unknown padding.

    References:
        Novak et al., *Bayesian Deep Convolutional Networks with Many Channels are
        Gaussian Processes*, ICLR 2019; Arora et al., *On Exact Computation with an
        Infinitely Wide Neural Net*, NeurIPS 2019, for T.
    """

    width: int | None = None
    window: int | tuple[int, int] = 3
    stride: int | tuple[int, int] = 1
    padding: str = "zero"
    weight_std: float = 1.0
    bias_std: float = 0.0

    def __post_init__(self):
        if self.width is not None and self.width < 1:
            raise InputError(f"width={self.width} is not a width: give at least 1.")
        if not 0 < self.weight_std < float("inf"):
            raise InputError(
                f"weight_std={self.weight_std} must be positive and finite."
            )
        if not 0 <= self.bias_std < float("inf"):
            raise InputError(
                f"bias_std={self.bias_std} must be finite and at least 0: give 0 for "
                "no biases."
            )
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """The windows that are summed over."""
        return sliding(self.window, self.stride, self.padding)

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: without biases."""
        return self.bias_std == 0

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: sums with random weights are."""
        del incoming
        return True

    def out_size(self, in_size: Size) -> Size:
        """The size of the output image."""
        height, width, channels = image_size(self, in_size)
        if self.width is None:
            raise InputError(
                f"a convolution, with {channels} channels, has no width: give width=..."
            )
        return (*self.windows.out((height, width)), self.width)

    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of the layer; those of scale zero are left out."""
        out = self.out_size(in_size)
        assert not isinstance(out, int)
        channels = image_size(self, in_size)[2]
        windows = self.windows
        shape = (*windows.shape, channels, out[2])
        weight = Parameter("weight", shape, self.weight_std, windows.size * channels)
        if self.bias_std == 0:
            return (weight,)
        return (weight, Parameter("bias", (out[2],), self.bias_std, 1))

    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own: its own."""
        names = ("weight",) if self.bias_std == 0 else ("weight", "bias")
        return dict.fromkeys(names, False)

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "h w c"]
    ) -> Float[Array, "h2 w2 c2"]:
        """The finite map on one input; `values` have their multipliers in them."""
        windows = self.windows
        outputs = jax.lax.conv_general_dilated(
            windows.padded(inputs, (0, 1))[None],
            values["weight"],
            windows.stride,
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[0]
        return outputs + values["bias"][None, None] if "bias" in values else outputs

    def spatial_limit(self, state: SpatialState, sources: Sources) -> SpatialState:
        """The recursion at infinite width."""
        del sources
        trained = state.everywhere(lambda part: part.times(None))
        outputs = shared_windows(trained, self.windows)
        outputs = outputs.everywhere(lambda part: part.rescaled(self.weight_std))
        if self.bias_std == 0:
            return outputs
        return outputs.everywhere(
            lambda part: part.plus(constant_state(part, self.bias_std))
        )
