"""Which examples each step of a training has."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperlimit.errors import InputError


def batches_of(
    count: int, targets: int, steps: int, size: int, key: PRNGKeyArray | Array
) -> Int[np.ndarray, "steps b"]:
    """Rows of each step; those that do not fill a batch are left out of an epoch.

    Raises:
        InputError: for numbers out of range.
    """
    if not 1 <= size <= count or steps < 0 or count != targets:
        raise InputError(
            f"{count} inputs, {targets} targets, batch_size={size} and steps={steps} "
            "were given: give as many targets as inputs, batches of no more than "
            "these, and at least 0 steps."
        )
    per_epoch = count // size
    found = [
        np.asarray(jax.random.permutation(jax.random.fold_in(key, epoch), count))[
            : per_epoch * size
        ]
        for epoch in range(-(-steps // per_epoch))
    ]
    return np.concatenate([np.zeros(0, np.int32), *found]).reshape(-1, size)[:steps]


def rates_of(
    learning_rate: float | Float[Array, "..."], steps: int
) -> Float[Array, " steps"]:
    """One for each step.

    Raises:
        InputError: for another number of them, or one that is negative or not finite.
    """
    rates = jnp.asarray(learning_rate, float)
    if rates.shape not in ((), (steps,)):
        raise InputError(
            f"learning rates of shape {rates.shape} were given for {steps} steps: give "
            "one number, or one for each step."
        )
    if not bool(jnp.all(jnp.isfinite(rates) & (rates >= 0))):
        raise InputError(
            f"learning_rate={learning_rate} was given: give finite numbers, not "
            "negative ones."
        )
    return jnp.broadcast_to(rates, (steps,))


def check_inputs(x: Float[Array, "n d"]) -> None:
    """Raises an InputError for inputs that are not finite."""
    wrong = np.argwhere(~np.isfinite(np.asarray(x)))
    if len(wrong):
        place = wrong[0].tolist()
        raise InputError(
            f"x{place} is {np.asarray(x)[tuple(place)]}: give finite inputs."
        )


def check_losses(losses: Float[np.ndarray, " s"], before: int) -> None:
    """Raises an InputError if one is not finite; `before` so many steps were."""
    wrong = np.flatnonzero(~np.isfinite(losses))
    if len(wrong):
        raise InputError(
            f"the loss is {losses[wrong[0]]} in step {before + wrong[0] + 1}: give a "
            "smaller learning rate, or clip."
        )
