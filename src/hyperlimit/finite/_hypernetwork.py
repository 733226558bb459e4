"""A finite hypernetwork."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.finite._chunks import over_inputs
from hyperlimit.finite._network import FiniteNetwork, Values, check_input
from hyperlimit.finite._written import written_primary, written_values
from hyperlimit.layers import Size
from hyperlimit.networks import Hypernetwork


@final
class FiniteHypernetwork(eqx.Module):
    r"""$h(x, z) = g(z; f(x))$ at finite width: call it on one pair.

    Attributes:
        meta: f, whose outputs are the generated parameters one after another.
        own: the primary network's own parameters, layer by layer.
        fixed: the untrained random numbers of z's features, if there are any.
    """

    meta: FiniteNetwork
    own: Values
    fixed: Array | None
    spec: Hypernetwork = eqx.field(static=True)
    z_size: Size = eqx.field(static=True)

    def __call__(
        self, x: Float[Array, "..."], z: Float[Array, " dz"]
    ) -> Float[Array, " k"]:
        """The outputs for one pair; one generation of the weights."""
        return self.primary(x)(z)

    def generated(self, x: Float[Array, "..."]) -> Values:
        """The parameters that f writes for one x, layer by layer."""
        check_input("x", x, self.meta.in_size)
        return written_values(self.spec, self.z_size, self.meta(x))

    def primary(self, x: Float[Array, "..."]) -> FiniteNetwork:
        """The primary network for one x: an ordinary module from z to y."""
        check_input("x", x, self.meta.in_size)
        return written_primary(
            self.spec,
            self.z_size,
            self.meta(x),
            self.own,
            self.fixed,
            self.meta.parametrisation,
        )

    def batch(
        self,
        x: Float[Array, "b ..."],
        z: Float[Array, "p dz"] | Float[Array, "b p dz"],
        chunk: int | None = None,
    ) -> Float[Array, "b p k"]:
        """Every x with many z: the primary of each x is generated once.

        Memory: the weights of all b primaries at a time, or of `chunk`.

        Args:
            x: (b, d_x), or images (b, height, width, channels).
            z: (p, d_z), the same for every x, or (b, p, d_z).
            chunk: how many x to work on at a time. None: all.

        Raises:
            InputError: for other shapes.
        """
        x, z = jnp.asarray(x), jnp.asarray(z)
        rank = 1 + self.spec.meta.inputs.rank
        if x.ndim != rank or z.ndim not in (2, 3) or (z.ndim == 3 and len(x) != len(z)):
            raise InputError(
                f"batch was given x of shape {x.shape} and z of shape {z.shape}: give "
                "x (b, d_x) and z (p, d_z) or (b, p, d_z)."
            )

        def one(pair: tuple[Array, Array | None]) -> Array:
            own = z if pair[1] is None else pair[1]
            return jax.vmap(self.primary(pair[0]))(own)

        return over_inputs(one, (x, None if z.ndim == 2 else z), chunk)
