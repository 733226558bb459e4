"""Layer normalisation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.errors import InputError
from hyperlimit.layers._base import (
    AbstractParameterFreeLayer,
    AbstractPointwiseLayer,
    Sources,
)
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.numerics import safe_hypot, safe_ratio


@final
@dataclass(frozen=True)
class LayerNorm(AbstractParameterFreeLayer, AbstractPointwiseLayer):
    r"""$y = (q - \bar q) / \sqrt{\overline{(q - \bar q)^2} + \epsilon}$, no parameters.

    The means are over the features of one input, at each position of an image. With
    $r_x = \sqrt{s_x^2 + \epsilon}$,

    $$K \to \frac{K}{r_x r_y},\qquad T \to \frac{T}{r_x r_y}:$$

    of the derivative $(I - \hat q \hat q^T / d - 1 1^T / d) / r$ only the identity is
    left when $d \to \infty$. The mean vanishes in the limit where features have mean
    zero over the parameters, as those of a dense layer have; after an activation they
    have not, and only `centre=False` (root mean square) has this limit.

    Args:
        centre: whether the mean is taken off.
        epsilon: keeps a zero input at zero.

    Raises:
        InputError: for an epsilon that is negative or not finite.

    References:
        Ba, Kiros and Hinton, *Layer Normalization*, 2016; Zhang and Sennrich, *Root
        Mean Square Layer Normalization*, NeurIPS 2019.
    """

    centre: bool = True
    epsilon: float = 1e-6

    def __post_init__(self):
        if not 0 <= self.epsilon < float("inf"):
            raise InputError(
                f"epsilon={self.epsilon} must be finite and at least 0: it is added "
                "to a mean square."
            )

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: it undoes it."""
        return False

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "... d"]
    ) -> Float[Array, "... d"]:
        """The finite map on one input."""
        del values
        if self.centre:
            inputs = inputs - jnp.mean(inputs, axis=-1, keepdims=True)
        square = jnp.mean(inputs**2, axis=-1, keepdims=True)
        return safe_ratio(inputs, jnp.sqrt(square + self.epsilon))

    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion at infinite width."""
        del sources
        pair = state.pair

        def normal(std: Float[Array, "..."]) -> Float[Array, "..."]:
            return safe_ratio(std, safe_hypot(std, self.epsilon**0.5))

        # In units of the deviations both kernels stay what they are.
        pair = GaussianPair(normal(pair.std_x), normal(pair.std_y), pair.gap)
        return KernelState(pair, state.tangent)
