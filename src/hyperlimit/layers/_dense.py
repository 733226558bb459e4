"""The dense layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers._base import AbstractVectorLayer, Size, Sources, features
from hyperlimit.layers._kernel_state import KernelState, constant_state
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class Dense(AbstractVectorLayer):
    r"""$y = \frac{\sigma_w}{\sqrt{d}} W q + \sigma_b b$, entries of unit variance.

    With kernels $(K_w, T_w)$ of the weights' source and $(K_b, T_b)$ of the biases',
    both $(1, 1)$ for own parameters and $(K_f, \Theta_f)$ for generated ones,

    $$K \to \sigma_w^2 K_w K + \sigma_b^2 K_b,\qquad
      T \to \sigma_w^2 (K_w T + T_w K) + \sigma_b^2 T_b.$$

    Args:
        width: number of outputs; None leaves it to the network around the layer.
        weight_std: $\sigma_w$, positive.
        bias_std: $\sigma_b$, zero for no biases.
        weights_generated: whether a meta-network writes the weights. None: written in
            a primary network, the layer's own elsewhere.
        biases_generated: the same for the biases. None: as the weights.

    Raises:
        InputError: for a width below one or a scale that is not finite and in range.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020, for the fully generated case; mixtures follow layer by layer.
    """

    width: int | None = None
    weight_std: float = 1.0
    bias_std: float = 0.0
    weights_generated: bool | None = None
    biases_generated: bool | None = None

    def __post_init__(self):
        if self.width is not None and self.width < 1:
            raise InputError(f"width={self.width} is not a width: give at least 1.")
        if not 0 < self.weight_std < float("inf"):
            raise InputError(
                f"weight_std={self.weight_std} must be positive and finite: use "
                "bias_std alone only beside weights of some scale."
            )
        if not 0 <= self.bias_std < float("inf"):
            raise InputError(
                f"bias_std={self.bias_std} must be finite and at least 0: give 0 for "
                "no biases."
            )

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: without biases."""
        return self.bias_std == 0

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: sums with random weights are."""
        del incoming
        return True

    def out_size(self, in_size: Size) -> int:
        """The number of outputs for a number of inputs."""
        if self.width is None:
            raise InputError(
                f"the last dense layer, with {in_size} inputs, has no width: give "
                "out=... to mlp, or width=... to Dense."
            )
        return self.width

    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of the layer; those of scale zero are left out."""
        out, fan_in = self.out_size(in_size), features(self, in_size)
        weight = Parameter("weight", (out, fan_in), self.weight_std, fan_in)
        if self.bias_std == 0:
            return (weight,)
        return (weight, Parameter("bias", (out,), self.bias_std, 1))

    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; None leaves it to the role."""
        answers = {"weight": self.weights_generated}
        if self.bias_std > 0:
            biases = self.biases_generated
            answers["bias"] = self.weights_generated if biases is None else biases
        return answers

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, " d"]
    ) -> Float[Array, " k"]:
        """The finite map on one input; `values` have their multipliers in them."""
        outputs = jnp.matmul(values["weight"], inputs)
        return outputs + values["bias"] if "bias" in values else outputs

    def apply_columns(
        self, values: Mapping[str, Array], columns: Float[Array, "d p"]
    ) -> Float[Array, "k p"]:
        """The finite map on many vectors: one product of matrices."""
        outputs = jnp.matmul(values["weight"], columns)
        return outputs + values["bias"][:, None] if "bias" in values else outputs

    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion at infinite width; a source of None is an own parameter."""
        outputs = state.times(sources["weight"]).rescaled(self.weight_std)
        if self.bias_std == 0:
            return outputs
        source = sources["bias"]
        if source is None:
            return outputs.plus(constant_state(outputs, self.bias_std))
        return outputs.plus(source.rescaled(self.bias_std))
