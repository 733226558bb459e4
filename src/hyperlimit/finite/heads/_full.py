"""One linear map to everything that is generated."""

from dataclasses import dataclass
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.finite.heads._base import (
    AbstractHead,
    AbstractHeadModule,
    Features,
    split,
)
from hyperlimit.finite.heads._linear_map import entry_std, multiplier
from hyperlimit.parametrisation import GeneratedParameter, Initialisation


@final
@dataclass(frozen=True)
class Full(AbstractHead):
    r"""$\theta(x) = H a(x)$: one matrix H of $P \times d$ for P generated numbers.

    Cost: P d numbers to train, and as many products for each x.
    """

    def draw(
        self,
        parameters: tuple[GeneratedParameter, ...],
        features: Features,
        row: Initialisation,
        key: PRNGKeyArray,
    ) -> "FullHead":
        """The head with the values that a row of the table of initialisations says."""
        stds = [row.std(parameter) for parameter in parameters]
        scale = jnp.concatenate(
            [
                jnp.full((parameter.size, 1), row.kernel * entry_std(s, features, row))
                for parameter, s in zip(parameters, stds, strict=True)
            ]
        )
        drawn = jax.random.normal(key, (len(scale), features.size), features.dtype)
        return FullHead(
            scale * drawn,
            parameters,
            tuple(multiplier(std, features, row) for std in stds),
        )


@final
class FullHead(AbstractHeadModule):
    """A full head with its values."""

    kernel: Float[Array, "p d"]
    parameters: tuple[GeneratedParameter, ...] = eqx.field(static=True)
    multipliers: tuple[float, ...] = eqx.field(static=True)

    def __call__(self, features: Float[Array, " d"]) -> dict[str, Array]:
        """The arrays for one x, without their offsets."""
        arrays = split(jnp.matmul(self.kernel, features), self.parameters)
        return {
            name: factor * array
            for (name, array), factor in zip(
                arrays.items(), self.multipliers, strict=True
            )
        }
