"""The loss of a step, and how far a step may go."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from hyperlimit.errors import InputError
from hyperlimit.numerics import clipped, safe_ratio

# Outputs (b, k) and targets of b examples to a scalar.
Loss = Callable[[Array, Array], Array]


def half_mean_square(
    outputs: Float[Array, "b k"], targets: Shaped[Array, "b ..."]
) -> Float[Array, ""]:
    """Half the squared length of what outputs are off by, in the mean over examples."""
    if targets.size != outputs.size:
        raise InputError(
            f"targets of shape {targets.shape} were given for outputs of shape "
            f"{outputs.shape}: give one for each output."
        )
    wrong = outputs - targets.reshape(outputs.shape).astype(outputs.dtype)
    return jnp.sum(wrong**2) / (2 * len(outputs))


def clipping(square: Float[Array, ""], clip: float | None) -> Float[Array, ""] | float:
    """What a gradient of a squared norm is multiplied by."""
    if clip is None:
        return 1.0
    return clipped(
        safe_ratio(jnp.asarray(clip, square.dtype), jnp.sqrt(square)), high=1
    )
