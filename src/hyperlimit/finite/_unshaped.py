"""A finite hypernetwork whose input sizes are not known yet."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.finite._hypernetwork import FiniteHypernetwork
from hyperlimit.finite._network import FiniteNetwork
from hyperlimit.finite._shaped import shaped_hypernetwork
from hyperlimit.layers import Size, as_size
from hyperlimit.networks import Hypernetwork


@final
class UnshapedHypernetwork(eqx.Module):
    """A hypernetwork that takes its input sizes from what it is called on.

    It holds a key, and no arrays to train: its values are drawn from the key, the
    same ones, at every call. `shaped` gives the network with arrays, which is what to
    train and what to call often.
    """

    key: PRNGKeyArray
    spec: Hypernetwork = eqx.field(static=True)
    parametrisation: str = eqx.field(static=True)

    def shaped(
        self, x: Float[Array, "..."], z: Float[Array, "*c dz"]
    ) -> FiniteHypernetwork:
        """The network with its arrays, for inputs like one x and one z."""
        return shaped_hypernetwork(
            self.spec,
            self.key,
            _size(x, self.spec.meta.inputs.rank),
            jnp.shape(z)[-1],
            self.parametrisation,
            jnp.result_type(x, z),
        )

    def __call__(
        self, x: Float[Array, "..."], z: Float[Array, " dz"]
    ) -> Float[Array, " k"]:
        """The outputs for one pair."""
        return self.shaped(x, z)(x, z)

    def primary(self, x: Float[Array, "..."]) -> "UnshapedPrimary":
        """The primary network for one x: a module from z to y."""
        return UnshapedPrimary(self, x)

    def batch(
        self,
        x: Float[Array, "b ..."],
        z: Float[Array, "p dz"] | Float[Array, "b p dz"],
        chunk: int | None = None,
        memory: int | str | None = None,
    ) -> Float[Array, "b p k"]:
        """Every x with many z, as FiniteHypernetwork.batch."""
        return self.shaped(x, z).batch(x, z, chunk, memory)


def _size(example: Array, rank: int) -> Size:
    return as_size(jnp.shape(example)[-rank:])


@final
class UnshapedPrimary(eqx.Module):
    """The primary network of one x, before the size of z is known."""

    network: UnshapedHypernetwork
    x: Float[Array, "..."]

    def shaped(self, z: Float[Array, " dz"]) -> FiniteNetwork:
        """The primary network with its arrays, for inputs like one z."""
        return self.network.shaped(self.x, z).primary(self.x)

    def __call__(self, z: Float[Array, " dz"]) -> Float[Array, " k"]:
        """The outputs for one z."""
        return self.shaped(z)(z)
