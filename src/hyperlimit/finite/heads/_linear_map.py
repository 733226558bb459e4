"""The linear map that heads are made of."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.finite.heads._base import Features
from hyperlimit.parametrisation import Initialisation


@final
class LinearMap(eqx.Module):
    """a -> m H a, with an untrained number m."""

    kernel: Float[Array, "p d"]
    multiplier: float = eqx.field(static=True)

    def __call__(self, features: Float[Array, " d"]) -> Float[Array, " p"]:
        """The outputs for one vector of features."""
        return self.multiplier * jnp.matmul(self.kernel, features)


def multiplier(std: float, features: Features, row: Initialisation) -> float:
    """The factor m of outputs that are to have a standard deviation."""
    return std * features.size**-0.5 if row.multiplied else 1.0


def entry_std(std: float, features: Features, row: Initialisation) -> Float[Array, ""]:
    """The standard deviation of H at birth with which m H a has the one given."""
    return (std / multiplier(std, features, row)) / jnp.sqrt(
        features.size * features.moment
    )


def draw_map(
    key: PRNGKeyArray,
    size: int,
    std: float,
    features: Features,
    row: Initialisation,
    kernel: float = 1.0,
) -> LinearMap:
    """A map with outputs of standard deviation `kernel * std`."""
    drawn = jax.random.normal(key, (size, features.size), features.dtype)
    scale = kernel * entry_std(std, features, row)
    return LinearMap(scale * drawn, multiplier(std, features, row))
