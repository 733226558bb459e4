"""The compiled part: steps of an optimiser, one after another."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from hyperlimit.training._check import check_loss
from hyperlimit.training._data import rows_of, taken

# Steps between two looks from outside, at most.
MOST = 1000


class Problem(eqx.Module):
    """What stays the same in a training.

    Attributes:
        rest: the network without what is trained.
        loss: of a network, a batch and a key.
        batch_size: rows of a step; None: all, in their order.
    """

    rest: PyTree
    data: PyTree
    key: PRNGKeyArray | Array
    loss: Any
    optimiser: optax.GradientTransformation
    batch_size: int | None = eqx.field(static=True)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches; the rows that are left over are others in every epoch."""
        return 1 if self.batch_size is None else rows_of(self.data) // self.batch_size

    def batch(self, order: Int[Array, " n"], step: Int[Array, ""]) -> PyTree:
        """The rows of a step."""
        if self.batch_size is None:
            return self.data
        start = (step % self.steps_per_epoch) * self.batch_size
        rows = jax.lax.dynamic_slice(order, (start,), (self.batch_size,))
        return taken(self.data, rows)

    def order(self, step: Int[Array, ""]) -> Int[Array, " n"]:
        """The order of the rows in the epoch of a step."""
        count = 1 if self.batch_size is None else rows_of(self.data)
        key = jax.random.fold_in(jax.random.fold_in(self.key, 0), self.epoch(step))
        return jax.random.permutation(key, count)

    def epoch(self, step: Int[Array, ""]) -> Int[Array, ""]:
        """The epoch of a step."""
        return step // self.steps_per_epoch

    def loss_key(self, step: Int[Array, ""]) -> PRNGKeyArray | Array:
        """The key that the loss is given in a step."""
        return jax.random.fold_in(jax.random.fold_in(self.key, 1), step)


class State(NamedTuple):
    """What a step changes."""

    trained: PyTree
    optimiser: PyTree
    step: Int[Array, ""]


class Seen(NamedTuple):
    """What the latest steps were like.

    Attributes:
        losses: of each step, before it.
        loss: whether that of the last step is finite.
        gradients: whether those of the last step are, leaf by leaf.
        moved: whether the arrays after it are.
    """

    losses: Float[Array, " most"]
    loss: Bool[Array, ""]
    gradients: Bool[Array, " leaves"]
    moved: Bool[Array, " leaves"]

    @property
    def finite(self) -> Bool[Array, ""]:
        """Whether everything is."""
        return self.loss & jnp.all(self.gradients) & jnp.all(self.moved)


# The state's arrays become those of the next one.
@eqx.filter_jit(donate="all-except-first")
def advanced(fixed: tuple[Problem, Int[Array, ""]], state: State) -> tuple[State, Seen]:
    """The state after some steps, or after the first that is not finite."""
    problem, count = fixed
    first = state.step
    # Some optimisers look at the loss, too.
    rule = optax.with_extra_args_support(problem.optimiser)

    def value(trained: PyTree, batch: PyTree, key: PRNGKeyArray | Array) -> Array:
        return check_loss(problem.loss(eqx.combine(trained, problem.rest), batch, key))

    def goes_on(carry: tuple[State, Array, Seen]) -> Bool[Array, ""]:
        at, _, seen = carry
        return (at.step - first < count) & seen.finite

    def step(carry: tuple[State, Array, Seen]) -> tuple[State, Array, Seen]:
        (trained, inner, number), order, seen = carry
        begins = (number == first) | (number % problem.steps_per_epoch == 0)
        order = jax.lax.cond(begins, lambda: problem.order(number), lambda: order)
        found, gradient = jax.value_and_grad(value)(
            trained, problem.batch(order, number), problem.loss_key(number)
        )
        updates, inner = rule.update(gradient, inner, trained, value=found)
        trained = optax.apply_updates(trained, updates)
        seen = Seen(
            seen.losses.at[number - first].set(found.astype(seen.losses.dtype)),
            jnp.isfinite(found),
            _finite(gradient),
            _finite(trained),
        )
        return State(trained, inner, number + 1), order, seen

    leaves = jnp.ones(len(jax.tree.leaves(state.trained)), bool)
    seen = Seen(jnp.zeros(MOST), jnp.array(True), leaves, leaves)
    order = jax.tree.map(jnp.zeros_like, jax.eval_shape(lambda: problem.order(first)))
    state, _, seen = jax.lax.while_loop(goes_on, step, (state, order, seen))
    return state, seen


@eqx.filter_jit
def evaluated(problem: Problem, trained: PyTree, data: PyTree) -> Float[Array, ""]:
    """The loss on other data in inference mode, batch by batch: the mean over rows."""
    net = eqx.nn.inference_mode(eqx.combine(trained, problem.rest))
    key, count = jax.random.fold_in(problem.key, 2), rows_of(data)
    size = min(count, problem.batch_size or count)

    def of(start: Int[Array, ""], rows: int) -> Array:
        batch = taken(data, start + jnp.arange(rows))
        return rows / count * problem.loss(net, batch, key)

    starts, rest = jnp.arange(0, count - size + 1, size), count % size
    whole = jnp.sum(jax.lax.map(lambda start: of(start, size), starts))
    return whole + of(jnp.asarray(count - rest), rest) if rest else whole


def _finite(tree: PyTree) -> Bool[Array, " leaves"]:
    return jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)])
