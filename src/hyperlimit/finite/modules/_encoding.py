"""The encoding of bounded inputs by vectors of constant length."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError


def cosine_sine(x: Float[Array, " d"]) -> Float[Array, " 2*d"]:
    r"""$[\cos(\pi x / 2), \sin(\pi x / 2)]$, of length $\sqrt d$ for every x.

    One-to-one on [-1, 1], for which it is meant.

    Raises:
        InputError: if x is not a vector.

    References:
        Gonzalez Ortiz, Guttag and Dalca, *Magnitude Invariant Parametrizations Improve
        Hypernetwork Learning*, ICLR 2024 (arXiv 2304.07645).
    """
    if jnp.ndim(x) != 1:
        raise InputError(
            f"initialisation='mip' encodes vectors, and x has shape {jnp.shape(x)}: "
            "flatten it, or choose another initialisation."
        )
    phase = (jnp.pi / 2) * x
    return jnp.concatenate([jnp.cos(phase), jnp.sin(phase)])
