"""Steps of a linear rule of descent."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from hyperlimit.meta_wide._objective import Objective
from hyperlimit.meta_wide._trainable import Trainable


def one_step(
    objective: Objective,
    optimiser: optax.GradientTransformation,
    at: Trainable,
    state: PyTree,
    rows: Int[Array, " b"] | None = None,
) -> tuple[Trainable, PyTree, Float[Array, ""]]:
    """What is trained and the optimiser's state after a step, and the loss before."""
    value, gradient = objective(at, rows)
    updates, state = optimiser.update(gradient, state, at)
    return at.moved_by(updates), state, value


@eqx.filter_jit
def descended(
    objective: Objective,
    optimiser: optax.GradientTransformation,
    start: Trainable,
    steps: int,
    batch_size: int | None,
    key: PRNGKeyArray | Array,
) -> tuple[Trainable, Float[Array, " steps"]]:
    """What is trained after some steps, and the loss before each."""

    def step(
        carry: tuple[Trainable, PyTree], number: Int[Array, ""]
    ) -> tuple[tuple[Trainable, PyTree], Array]:
        rows = None
        if batch_size is not None:
            rows = jax.random.choice(
                jax.random.fold_in(key, number),
                len(start.coefficients),
                (batch_size,),
                replace=False,
            )
        at, state, value = one_step(objective, optimiser, *carry, rows)
        return (at, state), value

    carry = (start, optimiser.init(start))
    (at, _), losses = jax.lax.scan(step, carry, jnp.arange(steps))
    return at, losses
