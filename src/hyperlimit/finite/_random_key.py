"""What counts as a random key."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from hyperlimit.errors import InputError


def check_key(key: Array | None) -> Array:
    """The key, or an InputError unless it is a random key of JAX."""
    kind = getattr(key, "dtype", None)
    typed = kind is not None and jnp.issubdtype(kind, jax.dtypes.prng_key)
    if key is None or not (typed or kind == jnp.uint32):
        raise InputError(
            f"key={key!r} is not a random key of JAX: give jax.random.key(0), say."
        )
    return key
