"""A finite hypernetwork."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.finite._batching import over_inputs
from hyperlimit.finite._ceiling import chunk_for
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
        return self.written(self.meta(x))

    def written(self, flat: Float[Array, " n"]) -> FiniteNetwork:
        """The primary network of generated numbers one after another."""
        return written_primary(
            self.spec,
            self.z_size,
            flat,
            self.own,
            self.fixed,
            self.meta.parametrisation,
        )

    def batch(
        self,
        x: Float[Array, "b ..."],
        z: Float[Array, "p dz"] | Float[Array, "b p dz"],
        chunk: int | None = None,
        memory: int | str | None = None,
    ) -> Float[Array, "b p k"]:
        """Every x with many z: the primary of each x is generated once.

        Memory: the weights of all b primaries at a time, or of `chunk`, and in a
        gradient a few times as much. On a CPU the primaries are worked on in blocks
        that fit its cache, and activations of one block at a time are held.

        Args:
            x: (b, d_x), or images (b, height, width, channels).
            z: (p, d_z), the same for every x, or (b, p, d_z).
            chunk: how many x to work on at a time. None: all.
            memory: a ceiling, in bytes or as "200MB", from which the chunk is found:
                what the outputs and their gradient take beside x, z, the outputs,
                the network and its gradient. Costs a few compilations.

        Raises:
            InputError: for other shapes, a chunk and a ceiling, or one that is too low.
        """
        x, z = jnp.asarray(x), jnp.asarray(z)
        rank = 1 + self.spec.meta.inputs.rank
        if x.ndim != rank or z.ndim not in (2, 3) or (z.ndim == 3 and len(x) != len(z)):
            raise InputError(
                f"batch was given x of shape {x.shape} and z of shape {z.shape}: give "
                "x (b, d_x) and z (p, d_z) or (b, p, d_z)."
            )

        return _batch(self, x, z, chunk, memory)


@eqx.filter_jit
def _batch(
    net: FiniteHypernetwork,
    x: Float[Array, "b ..."],
    z: Float[Array, "p dz"] | Float[Array, "b p dz"],
    chunk: int | None,
    memory: int | str | None,
) -> Float[Array, "b p k"]:
    def run(net: FiniteHypernetwork, x: Array, z: Array, chunk: int | None) -> Array:
        def write(some: Array) -> Array:
            # XLA would rather turn the last product round, and copy all its weights.
            return jax.lax.optimization_barrier(net.meta.many(some).T).T

        def read(flat: Array, points: Array) -> Array:
            return net.written(flat).many(points)

        return over_inputs(write, read, x, z, paired=z.ndim == 3, chunk=chunk)

    return run(net, x, z, chunk_for(run, net, x, z, chunk, memory))
