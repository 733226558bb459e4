"""Feature-wise linear modulation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers._base import AbstractPointwiseLayer, Size, Sources
from hyperlimit.layers._kernel_state import KernelState, constant_state
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class FiLM(AbstractPointwiseLayer):
    r"""$y_i = (1 + \sigma_\gamma \gamma_i) q_i + \sigma_\beta \beta_i$.

    The scales $\gamma$ and shifts $\beta$, one a feature, are generated in a primary
    network. With the kernels $(K_\gamma, T_\gamma)$ and $(K_\beta, T_\beta)$ of their
    sources, (1, 1) for own ones,

    $$K \to (1 + \sigma_\gamma^2 K_\gamma) K + \sigma_\beta^2 K_\beta,\qquad
      T \to T + \sigma_\gamma^2 (K_\gamma T + T_\gamma K) + \sigma_\beta^2 T_\beta.$$

    A product of two Gaussians is no Gaussian, so this is the recursion where the next
    layer sums over features: `FiLM` stands right before a dense layer or a
    convolution, after the activation.

    Args:
        scale_std: $\sigma_\gamma$.
        shift_std: $\sigma_\beta$.
        scales_generated, shifts_generated: whether a meta-network writes them. None:
            written in a primary network, the layer's own elsewhere.

    Raises:
        InputError: for scales that are negative, not finite, or both zero.

    References:
        Perez, Strub, de Vries, Dumoulin and Courville, *FiLM: Visual Reasoning with a
        General Conditioning Layer*, AAAI 2018.
    """

    scale_std: float = 1.0
    shift_std: float = 1.0
    scales_generated: bool | None = None
    shifts_generated: bool | None = None

    def __post_init__(self):
        stds = (self.scale_std, self.shift_std)
        if not all(0 <= std < float("inf") for std in stds) or not any(stds):
            raise InputError(
                f"scale_std={self.scale_std} and shift_std={self.shift_std} must be "
                "finite and at least 0, and not both 0."
            )

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: without shifts."""
        return self.shift_std == 0

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: products of Gaussians are not."""
        del incoming
        return False

    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of the layer; those of scale zero are left out."""
        size = in_size if isinstance(in_size, int) else in_size[-1]
        every = (
            Parameter("scale", (size,), self.scale_std, 1),
            Parameter("shift", (size,), self.shift_std, 1),
        )
        return tuple(parameter for parameter in every if parameter.std > 0)

    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; None leaves it to the role."""
        answers = {}
        if self.scale_std > 0:
            answers["scale"] = self.scales_generated
        if self.shift_std > 0:
            answers["shift"] = self.shifts_generated
        return answers

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "... d"]
    ) -> Float[Array, "... d"]:
        """The finite map on one input; `values` have their multipliers in them."""
        outputs = inputs
        if "scale" in values:
            outputs = outputs + _on_last_axis(values["scale"], inputs) * inputs
        if "shift" in values:
            outputs = outputs + _on_last_axis(values["shift"], inputs)
        return outputs

    def apply_columns(
        self, values: Mapping[str, Array], columns: Float[Array, "d p"]
    ) -> Float[Array, "d p"]:
        """The finite map on many vectors."""
        outputs = columns
        if "scale" in values:
            outputs = outputs + values["scale"][:, None] * columns
        if "shift" in values:
            outputs = outputs + values["shift"][:, None]
        return outputs

    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion where the next layer sums over features."""
        outputs = state
        if self.scale_std > 0:
            scaled = state.times(sources["scale"]).rescaled(self.scale_std)
            outputs = outputs.plus(scaled)
        if self.shift_std > 0:
            source = sources["shift"]
            if source is None:
                return outputs.plus(constant_state(outputs, self.shift_std))
            return outputs.plus(source.rescaled(self.shift_std))
        return outputs


def _on_last_axis(values: Float[Array, " d"], like: Array) -> Array:
    return values.reshape(*(1,) * (like.ndim - 1), -1)
