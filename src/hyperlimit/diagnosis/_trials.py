"""Short trainings, to see what a change is worth."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from hyperlimit.diagnosis._problem import Loss, Problem

Optimiser = Callable[[Array], optax.GradientTransformation]
# What one step of a trial takes: x, and points of each.
BATCH = (32, 64)
# How many Taylor terms of a step are measured.
TERMS = 3


class Trial(NamedTuple):
    """A short training.

    Attributes:
        rate: the learning rate.
        losses: of every step's batch.
        end: the mean of the last tenth of them; infinite if they are not finite.
        net: what was trained.
    """

    rate: float
    losses: np.ndarray
    end: float
    net: PyTree


def trial(
    net: PyTree,
    trained: PyTree,
    data: Problem,
    loss: Loss,
    optimiser: Optimiser,
    rate: float,
    steps: int,
    key: Array,
) -> Trial:
    """Trains a copy for some steps, on batches drawn afresh."""
    # Optax raises numbers to counted steps, which strict promotion refuses.
    with jax.numpy_dtype_promotion("standard"):
        after, losses = _trained(
            net, trained, data, loss, optimiser, jnp.asarray(rate), steps, key
        )
    values = np.asarray(losses, np.float64)
    last = values[-max(1, steps // 10) :]
    end = float(last.mean()) if np.isfinite(values).all() else np.inf
    return Trial(rate, values, end, after)


def predict(net: PyTree, data: Problem) -> Float[Array, "b p k"]:
    """The outputs for all pairs; one generation for each x."""

    def of_x(x: Array, z: Array) -> Array:
        return jax.vmap(net.primary(x))(z)

    outputs = jax.vmap(of_x)(data.x, data.z)
    return outputs.reshape(*data.z.shape[:2], -1)


@eqx.filter_jit
def _trained(
    net: PyTree,
    trained: PyTree,
    data: Problem,
    loss: Loss,
    optimiser: Optimiser,
    rate: Float[Array, ""],
    steps: int,
    key: Array,
) -> tuple[PyTree, Float[Array, " steps"]]:
    chosen, rest = eqx.partition(net, trained)
    b, p = data.z.shape[:2]
    rows, points = min(b, BATCH[0]), min(p, BATCH[1])

    def batch(key: Array) -> Problem:
        of_x, of_z = jax.random.split(key)
        i = jax.random.choice(of_x, b, (rows,), replace=False)
        j = jax.random.choice(of_z, p, (points,), replace=False)
        return Problem(data.x[i], data.z[i][:, j], data.y[i][:, j])

    def value(chosen: PyTree, part: Problem) -> Array:
        return loss(predict(eqx.combine(chosen, rest), part), part.y)

    rule = optimiser(rate)

    def step(carry: tuple[PyTree, PyTree], key: Array):
        chosen, state = carry
        found, gradient = jax.value_and_grad(value)(chosen, batch(key))
        updates, state = rule.update(gradient, state, chosen)
        moved = jax.tree.map(lambda w, u: w + u.astype(w.dtype), chosen, updates)
        return (moved, state), found

    start = (chosen, rule.init(chosen))
    (chosen, _), losses = jax.lax.scan(step, start, jax.random.split(key, steps))
    return eqx.combine(chosen, rest), losses


class Step(NamedTuple):
    r"""What the optimiser's first step does to the outputs.

    Along its direction d they are $h(w + \eta d) = h + \sum_r \eta^r t_r$.

    Attributes:
        error: the root mean square of what the outputs are off by, e.
        terms: those of $t_1, t_2, t_3$.
    """

    error: float
    terms: tuple[float, ...]

    @property
    def covering(self) -> float:
        """The rate at which the step, were it linear, would be as long as the error."""
        return _over(self.error, self.terms[0])

    @property
    def bending(self) -> float:
        """The rate at which the second term is half of the first."""
        return _over(self.terms[0], 2 * self.terms[1])

    def at(self, rate: float) -> tuple[float, ...]:
        """The sizes of the terms of a step at a rate, in units of the error."""
        return tuple(
            _over(rate**order * size, self.error)
            for order, size in enumerate(self.terms, 1)
        )


def _over(one: float, other: float) -> float:
    return one / other if other > 0 else math.inf


@eqx.filter_jit
def _first_step(
    net: PyTree, trained: PyTree, data: Problem, loss: Loss, optimiser: Optimiser
) -> tuple[Array, Array]:
    chosen, rest = eqx.partition(net, trained)
    rule = optimiser(jnp.ones(()))

    def outputs(chosen: PyTree) -> Float[Array, "b p k"]:
        return predict(eqx.combine(chosen, rest), data)

    now = outputs(chosen)
    gradient = jax.grad(lambda c: loss(outputs(c), data.y))(chosen)
    direction, _ = rule.update(gradient, rule.init(chosen), chosen)
    off = jax.grad(loss)(now, data.y) * now.size

    def along(t: Array) -> Float[Array, "b p k"]:
        def moved(w: Array, v: Array) -> Array:
            return w + (t * v).astype(w.dtype)

        return outputs(jax.tree.map(moved, chosen, direction))

    def size(array: Array) -> Array:
        return jnp.sqrt(jnp.mean(array.astype(float) ** 2))

    def derivative(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda t: jax.jvp(function, (t,), (jnp.ones(()),))[1]

    terms, function = [], along
    for order in range(1, TERMS + 1):
        function = derivative(function)
        terms.append(size(function(jnp.zeros(()))) / math.factorial(order))
    return size(off), jnp.stack(terms)


def first_step(
    net: PyTree, trained: PyTree, data: Problem, loss: Loss, optimiser: Optimiser
) -> Step:
    """Taylor terms of the outputs along the optimiser's first direction."""
    with jax.numpy_dtype_promotion("standard"):
        error, terms = _first_step(net, trained, data, loss, optimiser)
    return Step(float(error), tuple(np.asarray(terms, np.float64).tolist()))


def best_trial(trials: Sequence[Trial]) -> Trial:
    """That of the least loss at its end."""
    return min(trials, key=lambda one: one.end)
