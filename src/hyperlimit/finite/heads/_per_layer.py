"""One linear map for each generated array."""

from dataclasses import dataclass
from typing import final

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.finite.heads._base import AbstractHead, AbstractHeadModule, Features
from hyperlimit.finite.heads._linear_map import LinearMap, draw_map
from hyperlimit.parametrisation import GeneratedParameter, Initialisation


@final
@dataclass(frozen=True)
class PerLayer(AbstractHead):
    r"""$\theta_l(x) = H_l a(x)$: a linear map of its own for each generated array.

    The same function class and cost as `Full`; the maps can be frozen, replaced or
    given learning rates one by one.
    """

    def draw(
        self,
        parameters: tuple[GeneratedParameter, ...],
        features: Features,
        row: Initialisation,
        key: PRNGKeyArray,
    ) -> "PerLayerHead":
        """The head with the values that a row of the table of initialisations says."""
        keys = jax.random.split(key, len(parameters))
        maps = {
            p.name: draw_map(k, p.size, row.std(p), features, row, row.kernel)
            for p, k in zip(parameters, keys, strict=True)
        }
        return PerLayerHead(maps, parameters)


@final
class PerLayerHead(AbstractHeadModule):
    """A head for each layer, with their values: `maps` by the name of the array."""

    maps: dict[str, LinearMap]
    parameters: tuple[GeneratedParameter, ...] = eqx.field(static=True)

    def __call__(self, features: Float[Array, " d"]) -> dict[str, Array]:
        """The arrays for one x, without their offsets."""
        return {
            p.name: self.maps[p.name](features).reshape(p.shape)
            for p in self.parameters
        }
