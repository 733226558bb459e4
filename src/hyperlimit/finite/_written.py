"""The primary network that a vector of generated numbers makes."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.finite._network import FiniteNetwork, Values, draw_values, merged
from hyperlimit.layers import Size
from hyperlimit.networks import Hypernetwork


def written_values(
    spec: Hypernetwork, z_size: Size, flat: Float[Array, " n"]
) -> Values:
    """The generated parameters, layer by layer, from one after another."""
    start, found = 0, []
    for layer, parameters in zip(
        spec.primary.layers, spec.primary.parameters(z_size), strict=True
    ):
        written = {}
        for parameter in parameters:
            if spec.is_generated(layer.generated()[parameter.name]):
                piece = flat[start : start + parameter.size]
                written[parameter.name] = piece.reshape(parameter.shape)
                start += parameter.size
        found.append(written)
    return tuple(found)


def written_primary(
    spec: Hypernetwork,
    z_size: Size,
    flat: Float[Array, " n"],
    own: Values,
    fixed: Array | None,
    parametrisation: str,
) -> FiniteNetwork:
    """The primary network of generated parameters and of its own."""
    values = merged(own, written_values(spec, z_size, flat))
    return FiniteNetwork(values, fixed, spec.primary, z_size, parametrisation)


def draw_own(
    spec: Hypernetwork,
    z_size: Size,
    name: str,
    key: Array,
    dtype: jnp.dtype | None = None,
) -> Values:
    """Random values for what the primary network does not have generated."""
    generated = tuple(
        frozenset(n for n, a in layer.generated().items() if spec.is_generated(a))
        for layer in spec.primary.layers
    )
    return draw_values(spec.primary, z_size, name, key, generated, dtype)
