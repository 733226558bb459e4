"""Descriptions read as finite networks."""

from jaxtyping import Array, ArrayLike, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.finite._hypernetwork import FiniteHypernetwork
from hyperlimit.finite._input_size import input_size
from hyperlimit.finite._network import FiniteNetwork
from hyperlimit.finite._random_key import check_key
from hyperlimit.finite._shaped import shaped_hypernetwork, shaped_network
from hyperlimit.finite._unshaped import UnshapedHypernetwork
from hyperlimit.layers import Size
from hyperlimit.networks import Hypernetwork, Network
from hyperlimit.parametrisation import parametrisation as named_parametrisation


def init(
    spec: Hypernetwork | Network,
    *,
    key: PRNGKeyArray | Array,
    x: ArrayLike | Size | None = None,
    z: ArrayLike | Size | None = None,
    parametrisation: str = "ntk",
) -> FiniteHypernetwork | UnshapedHypernetwork | FiniteNetwork:
    """Draws a finite network, an Equinox module, from a description.

    Args:
        spec: a hypernetwork, or a plain network (then `x` is its input).
        key: a JAX random key.
        x, z: an example of an input, whose last axis counts, or that length; for
            images (height, width, channels), the last three axes. Not needed where
            the description says `in_size`. With neither, the hypernetwork takes its
            sizes from whatever it is called on, and draws the same values from the
            key each time.
        parametrisation: "ntk" or "standard". Both are equal in law at birth.

    Raises:
        InputError: for an unknown parametrisation, no random key, a size below one
            or one that disagrees with the description, or a plain network of unknown
            input size.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> spec = hl.Hypernetwork(
        ...     meta=hl.mlp(depth=2, width=32), primary=hl.mlp(depth=2, width=8, out=1)
        ... )
        >>> net = hl.init(spec, key=jax.random.key(0), x=5, z=2)
        >>> print(net(jnp.ones(5), jnp.ones(2)).shape)
        (1,)
        >>> print(net.batch(jnp.ones((3, 5)), jnp.ones((7, 2))).shape)
        (3, 7, 1)
    """
    named_parametrisation(parametrisation)
    check_key(key)
    if isinstance(spec, Network):
        size = input_size("x", x, spec.in_size, spec.inputs.rank)
        if size is None:
            raise InputError(
                "the network's input size is not known: give x, an example input or "
                "its length, or in_size to mlp."
            )
        return shaped_network(spec, key, size, parametrisation)
    if not isinstance(spec, Hypernetwork):
        raise InputError(
            f"init was given a {type(spec).__name__}: give a Hypernetwork or a Network."
        )
    x_size = input_size("x", x, spec.meta.in_size, spec.meta.inputs.rank)
    z_size = input_size("z", z, spec.primary.in_size, spec.primary.inputs.rank)
    if x_size is None and z_size is None:
        return UnshapedHypernetwork(key, spec, parametrisation)
    if x_size is None or z_size is None:
        known, unknown = ("z", "x") if x_size is None else ("x", "z")
        raise InputError(
            f"the size of {known} is known and that of {unknown} is not: give "
            f"{unknown}, an example or its length, too."
        )
    return shaped_hypernetwork(spec, key, x_size, z_size, parametrisation)
