"""Whether an optimiser makes the kind of steps whose rates were asked for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from hyperlimit.errors import InputError
from hyperlimit.linalg import is_traced
from hyperlimit.widths._abc import Rule

# Gradients of the trial, so small that nothing is clipped; its steps.
_SIZE, _STEPS = 1e-3, 3
# How far steps of one kind may be from what twice the gradients make of them.
_CLOSE = 0.05


def check_steps(optimiser: optax.GradientTransformation, rule: Rule) -> None:
    """Raises an InputError for Adam where SGD was described, and the other way round.

    What decides is tried: with gradients twice as large, steps that are linear in them
    are twice as large, and steps that do not know their size stay. A rule that is
    neither, or that has a traced number in it, or that needs more than gradients, is
    let through.
    """
    if not isinstance(optimiser, optax.GradientTransformation):
        raise InputError(
            f"optimiser={optimiser!r} is no transformation of gradients: give one of "
            "Optax's, such as optax.adam(1e-3)."
        )
    with (
        jax.ensure_compile_time_eval(),
        jax.enable_x64(True),
        jax.numpy_dtype_promotion("standard"),
    ):
        one, two = _moved(optimiser, 1.0), _moved(optimiser, 2.0)
    if not one or not two:
        return
    ratio = two / one
    if rule == "sgd" and abs(ratio - 1) < _CLOSE:
        raise InputError(
            "the optimiser's steps do not know the size of the gradients, as Adam's, "
            "and MuP has rule='sgd': give MuP rule='adam', or a rule like optax.sgd."
        )
    if rule == "adam" and abs(ratio - 2) < _CLOSE:
        raise InputError(
            "the optimiser's steps are as large as the gradients, as those of SGD, and "
            "MuP has rule='adam': give MuP rule='sgd', or a rule like optax.adam."
        )


def _moved(optimiser: optax.GradientTransformation, factor: float) -> float | None:
    """The sum of all steps' sizes, or None where there is nothing to compare."""
    draw = np.random.default_rng(0)
    # Any: Optax's types do not know a single array as a tree of them.
    at: Any = jnp.zeros((3, 3))
    total = 0.0
    try:
        state = optimiser.init(at)
        for _ in range(_STEPS):
            slope: Any = jnp.asarray(factor * _SIZE * draw.standard_normal((3, 3)))
            step, state = optimiser.update(slope, state, at)
            if is_traced(step):
                return None
            # Weights stay at zero, where they do not decay.
            total += float(np.abs(np.asarray(step)).sum())
    except (TypeError, ValueError):
        return None
    return total if np.isfinite(total) else None
