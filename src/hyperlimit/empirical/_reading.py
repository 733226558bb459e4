"""A network as functions of its parameters: in one stage, or as f and then g."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hyperlimit.empirical._structured import (
    Stage,
    Terms,
    Upper,
    composed_terms,
    single_terms,
)
from hyperlimit.empirical.tracing import Traced
from hyperlimit.errors import InputError
from hyperlimit.serialisation import array_name, is_array

Shape = jax.ShapeDtypeStruct


class Parameters(NamedTuple):
    """The trained arrays of a network, and the way back.

    Attributes:
        names: their paths.
        arrays: themselves, in the same order.
        combine: arrays to a network.
    """

    names: tuple[str, ...]
    arrays: list[Array]
    combine: Callable[[list[Array]], PyTree]


def parameters(net: PyTree, trained: PyTree) -> Parameters:
    """The arrays of a network that are trained, as an Equinox filter says.

    Raises:
        InputError: if there are none, or complex ones.
    """
    chosen, rest = eqx.partition(net, trained)
    pairs = jax.tree_util.tree_leaves_with_path(chosen)
    structure = jax.tree.structure(chosen)
    arrays = [jnp.asarray(leaf) for _, leaf in pairs]
    if not arrays or not all(jnp.issubdtype(a.dtype, jnp.floating) for a in arrays):
        found = ", ".join(sorted({str(a.dtype) for a in arrays})) or "none"
        raise InputError(
            f"the trained arrays of the {type(net).__name__} are of type {found}: give "
            "a network with floating-point arrays, and trained= to leave others out."
        )

    def combine(arrays: list[Array]) -> PyTree:
        return eqx.combine(jax.tree.unflatten(structure, arrays), rest)

    return Parameters(tuple(array_name(path) for path, _ in pairs), arrays, combine)


class Reading(NamedTuple):
    """What is needed for the gradients of any examples of one shape.

    Attributes:
        names: the paths of the parameters.
        stage: the network, or, of a hypernetwork, what writes the weights of g.
        upper: g as a function of its weights, and what else it is made of for an x.
        outputs: how many numbers the network gives.
    """

    names: tuple[str, ...]
    stage: Stage
    upper: Upper | None
    outputs: int

    def terms(self, x: Array, z: Array | None) -> Terms:
        """The gradients for x (u, ...) and z (u, p, ...)."""
        seconds = [] if z is None else [z]
        if self.upper is None:
            return single_terms(self.stage, [x], seconds, self.outputs)
        return composed_terms(self.stage, self.upper, [x], seconds, self.outputs)


def read(
    net: PyTree, trained: PyTree, x: Shape, z: Shape | None, *, structured: bool
) -> Reading:
    """Reads a network for inputs of a shape.

    Raises:
        InputError: if it does not take such inputs, or its output is not one real
            floating-point array.
    """
    found = parameters(net, trained)
    example = [x] if z is None else [x, z]

    def whole(arrays: list[Array], example: list[Array]) -> list[Array]:
        return jax.tree.leaves(found.combine(arrays)(*example))

    count = _outputs(output_shapes(whole, found.arrays, example))
    composed = z is not None and structured and _composed(net)
    # A closure over weights, say, does not show them.
    if not composed or not jax.tree.leaves(_split(_primary(net, x))[0]):
        traced = Traced(
            whole, found.arrays, example, landings=False, products=structured
        )
        return Reading(found.names, Stage(traced, found.arrays), None, count)

    def weights(arrays: list[Array], example: list[Array]) -> list[Array]:
        return jax.tree.leaves(_split(found.combine(arrays).primary(*example))[0])

    def others(example: list[Array]) -> list[Array]:
        return jax.tree.leaves(_split(net.primary(*example))[1])

    written, other, static = _split(_primary(net, x))
    structures = jax.tree.structure(written), jax.tree.structure(other)

    def outputs(arrays: list[Array], example: list[Array]) -> list[Array]:
        first = jax.tree.unflatten(structures[0], arrays)
        second = jax.tree.unflatten(structures[1], example[1:])
        return jax.tree.leaves(eqx.combine(first, second, static)(example[0]))

    lower = Traced(weights, found.arrays, [x], landings=True)
    points = [z, *jax.tree.leaves(other)]
    names = tuple(
        array_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(written)
    )
    upper = Traced(outputs, lower.outputs, points, landings=False)
    return Reading(
        found.names, Stage(lower, found.arrays), Upper(names, upper, others), count
    )


def _split(primary: PyTree) -> tuple[PyTree, PyTree, PyTree]:
    """Its floating-point arrays, its other arrays, and the rest."""
    arrays, static = eqx.partition(primary, is_array)
    written, others = eqx.partition(arrays, _is_inexact)
    return written, others, static


def _primary(net: PyTree, x: Shape) -> PyTree:
    return eqx.filter_eval_shape(net.primary, x)


def _composed(net: PyTree) -> bool:
    """Whether the network says which primary network it writes for x."""
    return callable(getattr(net, "primary", None))


def _is_inexact(leaf: object) -> bool:
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.inexact)


def output_shapes(
    whole: Callable[[Any, Any], Any], arrays: PyTree, example: Sequence[Shape]
) -> Any:
    """What a network gives for one example, whose parts are called x and z.

    Raises:
        InputError: if it does not take it.
    """
    try:
        return jax.eval_shape(whole, arrays, example)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        shapes = " and ".join(
            f"{name} of shape {given.shape}"
            for name, given in zip("xz", example, strict=False)
        )
        reason = str(error).split("\n")[0].rstrip(".").replace(". ", "; ")
        raise InputError(
            f"the network was given {shapes} and does not take them ({reason}): give "
            "inputs of the shape that it takes."
        ) from error


def _outputs(found: list[Shape]) -> int:
    if len(found) != 1 or not jnp.issubdtype(found[0].dtype, jnp.floating):
        kinds = ", ".join(f"{a.dtype}{list(a.shape)}" for a in found) or "nothing"
        raise InputError(
            f"the network gives {kinds} for one example: give one that returns one "
            "array of real numbers."
        )
    return found[0].size
