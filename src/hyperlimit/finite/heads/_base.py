"""What a head must say: how it is drawn, and what it writes from features."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.parametrisation import GeneratedParameter, Initialisation


class Features(NamedTuple):
    """What a head reads: `size` numbers of second moment `moment` at birth."""

    size: int
    moment: Float[Array, ""]
    dtype: jnp.dtype


class AbstractHeadModule(eqx.Module):
    """A head with its values: features in, generated arrays by name out."""

    @abstractmethod
    def __call__(self, features: Float[Array, " d"]) -> dict[str, Array]:
        """The arrays for one x, without their offsets."""


class AbstractHead(ABC):
    """The description of a head, as frozen data."""

    @abstractmethod
    def draw(
        self,
        parameters: tuple[GeneratedParameter, ...],
        features: Features,
        row: Initialisation,
        key: PRNGKeyArray,
    ) -> AbstractHeadModule:
        """The head with the values that a row of the table of initialisations says."""


def split(
    flat: Float[Array, " p"], parameters: tuple[GeneratedParameter, ...]
) -> dict[str, Array]:
    """Cuts numbers one after another into arrays by name."""
    start, found = 0, {}
    for parameter in parameters:
        piece = flat[start : start + parameter.size]
        found[parameter.name] = piece.reshape(parameter.shape)
        start += parameter.size
    return found
