"""Which examples each step of a training has."""

import jax
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


def check_losses(losses: Float[np.ndarray, " s"], before: int) -> None:
    """Raises an InputError if one is not finite; `before` so many steps were."""
    wrong = np.flatnonzero(~np.isfinite(losses))
    if len(wrong):
        raise InputError(
            f"the loss is {losses[wrong[0]]} in step {before + wrong[0] + 1}: give a "
            "smaller learning rate, or clip."
        )
