"""Why a training cannot go on."""

from typing import NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from hyperlimit.errors import InputError
from hyperlimit.training._data import not_finite
from hyperlimit.training._steps import Problem, Seen, State

_MEND = "try a smaller learning rate, or optax.clip_by_global_norm before the optimiser"


def stop_not_finite(
    problem: Problem, state: State, seen: Seen, loss: float
) -> NoReturn:
    """Raises an InputError that says what is not finite in the latest step."""
    step = int(state.step)
    number = jnp.asarray(step - 1, jnp.int32)
    wrong = not_finite(problem.batch(problem.order(number), number))
    if not bool(seen.loss):
        what = f"the loss is {loss} in step {step}"
    elif not np.all(seen.gradients):
        what = f"in step {step} the loss is {loss:.3g} and the gradient in "
        what += _leaves(state.trained, np.asarray(seen.gradients)) + " is not finite"
    else:
        what = f"step {step}, of loss {loss:.3g} and finite gradients, makes "
        what += _leaves(state.trained, np.asarray(seen.moved)) + " infinite or nan"
    if wrong is not None:
        # The first of all data, so that it can be found.
        wrong = not_finite(problem.data)
        raise InputError(
            f"{what}, and {wrong} in the data: mend the data, or leave such numbers "
            "out of the loss."
        )
    raise InputError(f"{what}: {_MEND}.")


def stop_validation(data: PyTree, step: int, loss: float) -> NoReturn:
    """Raises an InputError for a validation loss that is not finite."""
    wrong = not_finite(data)
    if wrong is not None:
        raise InputError(
            f"the validation loss is {loss} after step {step}, and {wrong} in the "
            "validation data: mend them."
        )
    raise InputError(
        f"the validation loss is {loss} after step {step} and the training loss was "
        f"finite: {_MEND}."
    )


def _leaves(tree: PyTree, finite: np.ndarray) -> str:
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    wrong = [paths[i] for i in np.flatnonzero(~finite)]
    first = jax.tree_util.keystr(wrong[0]).removeprefix(".")
    rest = f" and {len(wrong) - 1} more arrays" if len(wrong) > 1 else ""
    return first + rest
