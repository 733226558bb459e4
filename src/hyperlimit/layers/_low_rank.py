"""A dense layer of its own weights with a generated update of low rank."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers._base import AbstractVectorLayer, Size, Sources, features
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class LowRank(AbstractVectorLayer):
    r"""$y = \frac{\sigma_w}{\sqrt d} W q + \frac{\sigma_u}{\sqrt{r d}} U V q$.

    $W$ is the layer's own, trained weight; $U$, (k, r), and $V$, (r, d), are generated
    in a primary network. With $(K_U, T_U)$ and $(K_V, T_V)$ of their sources,

    $$K \to \sigma_w^2 K + \sigma_u^2 K_U K_V K,\qquad
      T \to \sigma_w^2 (T + K)
         + \sigma_u^2 (K_U (K_V T + T_V K) + T_U K_V K).$$

    $K$ holds at any rank as a covariance; that the outputs are Gaussian, and with it
    what comes after, wants a rank that grows with the width.

    Args:
        width: number of outputs.
        rank: $r$, of the finite network.
        weight_std: $\sigma_w$.
        update_std: $\sigma_u$.
        weights_generated: whether a meta-network writes $W$ too. False by default.
        update_generated: whether it writes $U$ and $V$. None: written in a primary
            network, the layer's own elsewhere.

    Raises:
        InputError: for a width or rank below one, or scales not positive and finite.

    References:
        Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, ICLR 2022.
    """

    width: int | None = None
    rank: int = 8
    weight_std: float = 1.0
    update_std: float = 1.0
    weights_generated: bool | None = False
    update_generated: bool | None = None

    def __post_init__(self):
        if self.width is not None and self.width < 1:
            raise InputError(f"width={self.width} is not a width: give at least 1.")
        if self.rank < 1:
            raise InputError(f"rank={self.rank} is not a rank: give at least 1.")
        for name in ("weight_std", "update_std"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(
                    f"{name}={getattr(self, name)} must be positive and finite: use "
                    "Dense for weights without an update."
                )

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: yes."""
        return True

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: sums with random weights are."""
        del incoming
        return True

    def out_size(self, in_size: Size) -> int:
        """The number of outputs for a number of inputs."""
        if self.width is None:
            raise InputError(
                f"a low-rank layer, with {in_size} inputs, has no width: give width=..."
            )
        return self.width

    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of the layer."""
        out, fan_in = self.out_size(in_size), features(self, in_size)
        return (
            Parameter("weight", (out, fan_in), self.weight_std, fan_in),
            Parameter("down", (self.rank, fan_in), 1.0, fan_in),
            Parameter("up", (out, self.rank), self.update_std, self.rank),
        )

    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; None leaves it to the role."""
        update = self.update_generated
        return {"weight": self.weights_generated, "down": update, "up": update}

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, " d"]
    ) -> Float[Array, " k"]:
        """The finite map on one input; `values` have their multipliers in them."""
        update = jnp.matmul(values["up"], jnp.matmul(values["down"], inputs))
        return jnp.matmul(values["weight"], inputs) + update

    def apply_columns(
        self, values: Mapping[str, Array], columns: Float[Array, "d p"]
    ) -> Float[Array, "k p"]:
        """The finite map on many vectors: the same products."""
        update = jnp.matmul(values["up"], jnp.matmul(values["down"], columns))
        return jnp.matmul(values["weight"], columns) + update

    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion at infinite width and rank."""
        base = state.times(sources["weight"]).rescaled(self.weight_std)
        update = state.times(sources["down"]).times(sources["up"])
        return base.plus(update.rescaled(self.update_std))
