"""Finite networks with their arrays, for inputs of known sizes."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from hyperlimit.finite._hypernetwork import FiniteHypernetwork
from hyperlimit.finite._network import FiniteNetwork, draw_values
from hyperlimit.finite._written import draw_own
from hyperlimit.layers import Size
from hyperlimit.networks import Hypernetwork, Network
from hyperlimit.parametrisation import parametrisation


def shaped_network(
    spec: Network,
    key: PRNGKeyArray,
    in_size: Size,
    name: str,
    dtype: jnp.dtype | None = None,
) -> FiniteNetwork:
    """A network of finite width for inputs of a length."""
    values_key, fixed_key = jax.random.split(key)
    values = draw_values(spec, in_size, name, values_key, dtype=dtype)
    return FiniteNetwork(
        values, spec.inputs.draw(in_size, fixed_key), spec, in_size, name
    )


def shaped_hypernetwork(
    spec: Hypernetwork,
    key: PRNGKeyArray,
    x_size: Size,
    z_size: Size,
    name: str,
    dtype: jnp.dtype | None = None,
) -> FiniteHypernetwork:
    """A hypernetwork of finite width for inputs of known lengths.

    The rows of the meta-network's last layer are scaled so that what it writes has
    the initial standard deviation that the parametrisation gives that parameter: one
    in NTK parametrisation, where the primary's multipliers do the rest, and
    sigma / sqrt(fan_in) in the standard one.
    """
    written = spec.generated_parameters(z_size)
    meta_key, own_key, fixed_key = jax.random.split(key, 3)
    total = sum(parameter.size for parameter in written)
    meta = shaped_network(spec.meta.with_out(total), meta_key, x_size, name, dtype)
    row = parametrisation(name)
    scale = jnp.concatenate(
        [jnp.full(parameter.size, row.initial_std(parameter)) for parameter in written]
    )

    def scaled(array: jax.Array) -> jax.Array:
        factor = scale.astype(array.dtype)
        return array * factor.reshape(-1, *(1,) * (array.ndim - 1))

    head = {key: scaled(array) for key, array in meta.values[-1].items()}
    meta = eqx.tree_at(lambda net: net.values[-1], meta, head)
    own = draw_own(spec, z_size, name, own_key, dtype)
    fixed = spec.primary.inputs.draw(z_size, fixed_key)
    return FiniteHypernetwork(meta, own, fixed, spec, z_size)
