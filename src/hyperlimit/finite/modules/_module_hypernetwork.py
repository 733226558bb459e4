"""A finite hypernetwork whose primary network is an Equinox module."""

from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree, Shaped

from hyperlimit.errors import InputError
from hyperlimit.finite._batching import over_inputs
from hyperlimit.finite._ceiling import chunk_for
from hyperlimit.finite.heads import AbstractHeadModule
from hyperlimit.finite.modules._encoding import cosine_sine
from hyperlimit.finite.modules._leaves import replaced
from hyperlimit.finite.modules._task_embedding import TaskTable
from hyperlimit.parametrisation import GeneratedParameter

# One x: an array, or the number of a task.
Input = Shaped[Array | np.ndarray, "..."] | int | np.integer


@final
class ModuleHypernetwork(eqx.Module):
    r"""$h(x, z) = g(z; \theta_0 + H a(x))$ for a module g: call it on one pair.

    `hypernetize` makes it. All its inexact arrays are trained; use `eqx.partition`
    to leave some out.

    Attributes:
        trunk: x, or its task's vector, to features a(x).
        embedding: the table of the tasks' vectors, if x is the number of a task.
        head: features to generated arrays.
        offsets: what is added to them, theta_0, by name; learned.
        own: the primary network with None in place of what is generated.
    """

    trunk: Callable[[Array], Array]
    embedding: TaskTable | None
    head: AbstractHeadModule
    offsets: dict[str, Array]
    own: eqx.Module
    parameters: tuple[GeneratedParameter, ...] = eqx.field(static=True)
    x_shape: tuple[int, ...] = eqx.field(static=True)
    encoded: bool = eqx.field(static=True)

    def __call__(self, x: Input, *args: Any, **kwargs: Any) -> Any:
        """The primary network of one x, called on the other arguments."""
        return self.primary(x)(*args, **kwargs)

    def features(self, x: Input) -> Float[Array, " d"]:
        """What the head reads for one x.

        Raises:
            InputError: for an x of another shape, or the number of no task.
        """
        if self.embedding is not None:
            x = self.embedding(x)
        x = jnp.asarray(x)
        if jnp.shape(x) != self.x_shape:
            raise InputError(
                f"one x of shape {self.x_shape} was expected, and shape {jnp.shape(x)} "
                "was given: jax.vmap over further axes, or use batch."
            )
        return self.trunk(cosine_sine(x) if self.encoded else x)

    def weights(self, x: Input) -> dict[str, Array]:
        """The generated arrays for one x, by their paths in the primary network."""
        written, found = self.head(self.features(x)), {}
        for parameter in self.parameters:
            array = written[parameter.name].astype(parameter.dtype)
            offset = self.offsets.get(parameter.name)
            found[parameter.name] = array if offset is None else offset + array
        return found

    def primary(self, x: Input) -> PyTree:
        """The primary network of one x: a module of the class that was given."""
        return replaced(self.own, self.weights(x))

    def batch(
        self,
        x: Shaped[Array | np.ndarray, "b ..."],
        z: Shaped[Array | np.ndarray, "..."],
        chunk: int | None = None,
        z_axes: int = 1,
        memory: int | str | None = None,
    ) -> PyTree:
        """Every x with many z: the primary of each x is generated once.

        Memory: the weights of all b primaries at a time, or of `chunk`, and in a
        gradient a few times as much. On a CPU the primaries are worked on in blocks
        that fit its cache, and activations of one block at a time are held.

        Args:
            x: b inputs, or the numbers of b tasks.
            z: (p, ...), the same for every x, or (b, p, ...).
            chunk: how many x to work on at a time. None: all.
            z_axes: how many axes one z has: 1 for vectors, 3 for images.
            memory: a ceiling, in bytes or as "200MB", from which the chunk is found:
                what the outputs and their gradient take beside x, z, the outputs,
                the network and its gradient. Costs a few compilations.

        Returns:
            What the primary gives, with axes (b, p, ...).

        Raises:
            InputError: for other shapes, a chunk below one, a chunk and a ceiling, or a
                ceiling that is too low.
        """
        x, z = jnp.asarray(x), jnp.asarray(z)
        one_x = () if self.embedding is not None else self.x_shape
        shared = z.ndim == z_axes + 1
        paired = z.ndim == z_axes + 2 and x.ndim > 0 and len(z) == len(x)
        if x.ndim == 0 or x.shape[1:] != one_x or not (shared or paired):
            raise InputError(
                f"batch was given x of shape {x.shape} and z of shape {z.shape}: give "
                f"x (b, {', '.join(map(str, one_x)) or '-'}) and z (p, ...) or "
                f"(b, p, ...), where one z has z_axes={z_axes} axes: give batch "
                "that number if it is another."
            )
        if self.embedding is not None:
            self.embedding.check(x)

        return _batch(self, x, z, paired, chunk, memory)


@eqx.filter_jit
def _batch(
    net: ModuleHypernetwork,
    x: Shaped[Array, "b ..."],
    z: Shaped[Array, "..."],
    paired: bool,
    chunk: int | None,
    memory: int | str | None,
) -> PyTree:
    def run(net: ModuleHypernetwork, x: Array, z: Array, chunk: int | None) -> PyTree:
        def read(arrays: dict[str, Array], points: Array) -> PyTree:
            return jax.vmap(replaced(net.own, arrays))(points)

        write = jax.vmap(net.weights)
        return over_inputs(write, read, x, z, paired=paired, chunk=chunk)

    return run(net, x, z, chunk_for(run, net, x, z, chunk, memory))
