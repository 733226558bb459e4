"""Which rules of descent have an infinitely wide limit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from hyperlimit.errors import InputError
from hyperlimit.finite import Values
from hyperlimit.linalg import is_traced
from hyperlimit.meta_wide._trainable import Trainable

# Features and rows of the trial, its steps, and the sizes of its gradients: small ones
# uncover what decays, large ones what is clipped.
FEATURES, ROWS, STEPS = 7, 4, 6
SIZES = (1e-2, 1e4)
# In double precision; a rule that is linear errs by some 1e-14.
CLOSE = 1e-7


def check_linear(optimiser: optax.GradientTransformation, own: Values) -> None:
    r"""Raises an InputError unless a rule may be followed through coefficients.

    What is needed is tried: for a random matrix $J$, a run on $w$ from a random $w_0$
    with gradients $J^T G_t$ must move $w$ by $J^T$ of what a run on $A$ from 0 with
    gradients $G_t$ moves $A$ by. That fails for rules that are not linear in the
    gradients, that mix entries, or that draw the weights to zero. The primary's own
    parameters are the same in both runs, and may be moved by any rule. A rule with a
    traced number in it, such as a learning rate under `jax.vmap`, is not tried.
    """
    if not isinstance(optimiser, optax.GradientTransformation):
        raise InputError(
            f"optimiser={optimiser!r} is no transformation of gradients: give one of "
            "Optax's, such as optax.sgd(0.1)."
        )
    with (
        jax.ensure_compile_time_eval(),
        jax.enable_x64(True),
        jax.numpy_dtype_promotion("standard"),
    ):
        shapes = tuple({name: a.shape for name, a in layer.items()} for layer in own)
        for size in SIZES:
            _try(optimiser, shapes, size)


def _try(
    optimiser: optax.GradientTransformation,
    shapes: tuple[dict[str, tuple[int, ...]], ...],
    size: float,
) -> None:
    generator = np.random.default_rng(0)

    def normal(shape: tuple[int, ...]) -> Array:
        return jnp.asarray(generator.standard_normal(shape))

    def own() -> Values:
        return tuple({k: normal(shape) for k, shape in d.items()} for d in shapes)

    # w knows nothing of the rows and columns of A, nor do the features.
    features, values = normal((FEATURES, 2 * ROWS)), own()
    runs = [
        Trainable(normal((FEATURES, 1)), values),
        Trainable(jnp.zeros((ROWS, 2)), values),
    ]

    def pulled(coefficients: Array) -> Array:
        return (features @ coefficients.reshape(-1))[:, None]

    states, moved = [optimiser.init(run) for run in runs], 0.0
    for step in range(STEPS):
        gradient, shared = size * normal((ROWS, 2)), own()
        updates = []
        for k, given in enumerate((pulled(gradient), gradient)):
            try:
                update, states[k] = optimiser.update(
                    Trainable(given, shared), states[k], runs[k]
                )
            except TypeError as error:
                raise InputError(
                    f"the optimiser needs more than gradients ({error}): give a rule "
                    "that is linear in them, such as optax.sgd."
                ) from error
            if is_traced(update):
                return
            updates.append(jax.tree.leaves(update)[0])
            runs[k] = runs[k].moved_by(update)
        expected = pulled(updates[1])
        moved = max(moved, float(jnp.max(jnp.abs(expected))))
        error = float(jnp.max(jnp.abs(updates[0] - expected)))
        if not error <= CLOSE * moved:
            raise InputError(
                "the optimiser moves weights by other than a weighted sum of their "
                f"past gradients (by {error / moved if moved else error:.0e} of a "
                f"step in step {step + 1} of a trial), and has no limit of this "
                "kind: give optax.sgd, with momentum or a schedule if you like."
            )
