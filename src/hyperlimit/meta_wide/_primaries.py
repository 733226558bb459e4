"""The primary networks of some x, by their weights."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteNetwork, Values, over_inputs, written_primary
from hyperlimit.layers import Size
from hyperlimit.networks import Hypernetwork


@final
class Primaries(eqx.Module):
    """The primary networks of some x: one row of generated weights for each.

    Attributes:
        weights: (n, P), the generated parameters one after another, in NTK
            parametrisation, without their multipliers.
        own: the primary network's own parameters, which all rows share.
        fixed: the untrained random numbers of z's features, if there are any.
    """

    weights: Float[Array, "n P"]
    own: Values
    fixed: Array | None
    spec: Hypernetwork = eqx.field(static=True)
    z_size: Size = eqx.field(static=True)

    def primary(self, i: int) -> FiniteNetwork:
        """The primary network of row i: an ordinary module from z to y.

        Raises:
            InputError: if there is no such row.
        """
        if not -len(self.weights) <= i < len(self.weights):
            raise InputError(
                f"row {i} was asked for, and there are {len(self.weights)} rows of x: "
                "count from 0."
            )
        return self.of(self.weights[i])

    def batch(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        chunk: int | None = None,
    ) -> Float[Array, "n p k"]:
        """Every x with many z.

        Args:
            z: (p, d_z), the same for every x, or (n, p, d_z).
            chunk: how many x to work on at a time. None: all.

        Raises:
            InputError: for other shapes.
        """
        z = jnp.asarray(z)
        rows = len(self.weights)
        if z.ndim not in (2, 3) or (z.ndim == 3 and len(z) != rows):
            raise InputError(
                f"z of shape {z.shape} was given for {rows} rows of x: give (p, d_z), "
                f"or ({rows}, p, d_z)."
            )

        return _batch(self, z, chunk)

    def replaced(self, weights: Float[Array, "b P"], own: Values) -> "Primaries":
        """The same with other weights."""
        return Primaries(weights, own, self.fixed, self.spec, self.z_size)

    def of(self, weights: Float[Array, " P"]) -> FiniteNetwork:
        """The primary network of generated weights one after another."""
        return written_primary(
            self.spec, self.z_size, weights, self.own, self.fixed, "ntk"
        )


@eqx.filter_jit
def _batch(
    primaries: Primaries,
    z: Float[Array, "p dz"] | Float[Array, "n p dz"],
    chunk: int | None,
) -> Float[Array, "n p k"]:
    def write(weights: Array) -> Array:
        return weights

    def read(weights: Array, points: Array) -> Array:
        return primaries.of(weights).many(points)

    return over_inputs(
        write, read, primaries.weights, z, paired=z.ndim == 3, chunk=chunk
    )
