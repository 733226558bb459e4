"""The meta-network below the head."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.finite._shaped import shaped_network
from hyperlimit.finite.heads import Features
from hyperlimit.layers import AbstractInputs, Dense, as_size
from hyperlimit.networks import Network

PROBES = 64


@final
class FeaturesOfInputs(eqx.Module):
    """The trunk of a description of one layer, the head: its inputs' features."""

    fixed: Array | None
    inputs: AbstractInputs = eqx.field(static=True)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The features of one x."""
        return self.inputs.apply(self.fixed, x)


def trunk(
    meta: Network | eqx.Module,
    shape: tuple[int, ...],
    parametrisation: str,
    key: PRNGKeyArray,
) -> Callable[[Array], Array]:
    """A description without its last dense layer, with values; a module as it is.

    Raises:
        InputError: for a description with a width in its last layer, or one that does
            not end in a dense layer or read vectors of the given shape.
    """
    if isinstance(meta, eqx.Module) and callable(meta):
        return cast(Callable[[Array], Array], meta)
    if not isinstance(meta, Network):
        raise InputError(
            f"meta is a {type(meta).__name__}: give hl.mlp(...) without out, or an "
            "Equinox module from x to a vector of features."
        )
    last = meta.layers[-1]
    if not isinstance(last, Dense) or last.width is not None:
        raise InputError(
            "the last layer of meta is the head, which has the width that the "
            f"generated arrays need, and {last!r} was given: leave out= out of mlp."
        )
    if len(shape) != meta.inputs.rank:
        reads = "images" if meta.inputs.rank == 3 else "vectors"
        raise InputError(
            f"meta reads {reads}, and x has shape {shape}: give such an x, or an "
            "Equinox module as meta."
        )
    size = as_size(shape)
    if meta.in_size is not None and meta.in_size != size:
        raise InputError(
            f"meta says in_size={meta.in_size} and would be given {size}: "
            "change one of them."
        )
    if len(meta.layers) == 1:
        return FeaturesOfInputs(meta.inputs.draw(size, key), meta.inputs)
    below = replace(meta, layers=meta.layers[:-1])
    return shaped_network(below, key, size, parametrisation)


def probe_inputs(shape: tuple[int, ...], key: PRNGKeyArray) -> Float[Array, "n ..."]:
    """Gaussian directions with a mean square of one entry each."""
    drawn = jax.random.normal(key, (PROBES, *shape))
    axes = tuple(range(1, drawn.ndim))
    return drawn / jnp.sqrt(jnp.mean(drawn**2, axis=axes, keepdims=True))


def measured_features(
    features: Float[Array, "n ..."], given: tuple[int, ...]
) -> Features:
    """The number of features, their second moment over examples, and their type.

    Raises:
        InputError: if they are not vectors of real numbers, or vanish.
    """
    if features.ndim != 2 or not jnp.issubdtype(features.dtype, jnp.floating):
        raise InputError(
            f"meta gives {features.dtype}{list(features.shape[1:])} for x of shape "
            f"{given}: give a module with a vector of real features."
        )
    moment = jnp.mean(features**2)
    try:
        usable = 0 < float(moment) < float("inf")
    except jax.errors.ConcretizationTypeError:
        usable = True  # Under a transformation of JAX, values are not known yet.
    if not usable:
        raise InputError(
            f"the features of meta have second moment {float(moment)} at birth: give a "
            "module for which it is positive and finite."
        )
    return Features(features.shape[1], moment, features.dtype)
