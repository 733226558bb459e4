"""How far a mode of the kernel has been learned, for every way of descending."""

import math
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError


@final
@dataclass(frozen=True)
class Flow:
    """Gradient flow for a time; infinity is where it ends."""

    time: float = math.inf

    def __post_init__(self):
        if not self.time >= 0:
            raise InputError(f"time={self.time!r} was given: give 0 or more.")

    def left(self, rates: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""What is left of each mode's error: $e^{-\rho t}$."""
        return jnp.exp(-_product(rates, self.time))

    def learned(self, rates: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""$(1 - e^{-\rho t}) / \rho$, without cancellation; 0 / 0 at the end is 0."""
        usable = rates > 0
        safe = jnp.where(usable, rates, 1)
        done = -jnp.expm1(-_product(safe, self.time)) / safe
        never = 0.0 if math.isinf(self.time) else self.time
        return jnp.where(usable, done, never)


@final
@dataclass(frozen=True)
class Descent:
    """Full-batch gradient descent: a number of steps at a learning rate."""

    steps: int
    learning_rate: float

    def __post_init__(self):
        if not (isinstance(self.steps, int) and self.steps >= 0):
            raise InputError(f"steps={self.steps!r} was given: give a whole number.")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(
                f"learning_rate={self.learning_rate!r} was given: give a positive "
                "number."
            )

    def left(self, rates: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""What is left of each mode's error: $(1 - \eta \rho)^k$."""
        return (1 - self.learning_rate * rates) ** self.steps

    def learned(self, rates: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""$(1 - (1 - \eta \rho)^k) / \rho$, the sum of a geometric series."""
        step = self.learning_rate * rates
        # Small steps by log1p, so that slow modes keep their digits.
        slow = jnp.abs(step) < 0.5
        calm = jnp.where(slow, step, 0)
        gone = -jnp.expm1(self.steps * jnp.log1p(-calm))
        done = jnp.where(slow, gone, 1 - self.left(rates))
        usable = rates > 0
        still = self.steps * self.learning_rate
        return jnp.where(usable, done / jnp.where(usable, rates, 1), still)


Schedule = Flow | Descent


def _product(rates: Float[Array, " n"], time: float) -> Float[Array, " n"]:
    """Rate times time, with 0 times infinity 0."""
    if math.isinf(time):
        return jnp.where(rates > 0, jnp.inf, 0.0)
    return rates * time
