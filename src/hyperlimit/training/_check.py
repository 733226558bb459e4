"""What is seen of a loss and an optimiser before anything is computed."""

import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, PyTree

from hyperlimit.errors import InputError


def check_calls(loss: Any, rule: optax.GradientTransformation, trained: PyTree) -> None:
    """Raises an InputError for a loss or an optimiser that no step can be made with."""
    if not isinstance(rule, optax.GradientTransformation):
        raise InputError(
            f"optimiser={rule!r} is no transformation of gradients: give one of "
            "Optax's, such as optax.adam(1e-3)."
        )
    try:
        inspect.signature(loss).bind("net", "batch", "key")
    except ValueError:
        # Some functions have no signature.
        pass
    except TypeError as error:
        raise InputError(
            f"loss= cannot be called with a network, a batch and a key ({error}): "
            "give loss(net, batch, key)."
        ) from error

    def step(trained: PyTree) -> PyTree:
        with jax.numpy_dtype_promotion("standard"):
            given = optax.with_extra_args_support(rule)
            return given.update(trained, given.init(trained), trained, value=0.0)[0]

    try:
        eqx.filter_eval_shape(step, trained)
    except TypeError as error:
        raise InputError(
            f"the optimiser needs more than gradients and the loss ({error}): give a "
            "rule that moves by them alone, such as optax.adam(1e-3)."
        ) from error


def check_loss(found: ArrayLike) -> Array:
    """The loss, if it is a scalar that can be differentiated.

    Raises:
        InputError: if it is not.
    """
    shape, kind = jnp.shape(found), jnp.result_type(found)
    if shape or not jnp.issubdtype(kind, jnp.floating):
        raise InputError(
            f"the loss is of shape {shape} and type {kind}: give a loss= that returns "
            "one real number, the mean over examples say."
        )
    return jnp.asarray(found)
