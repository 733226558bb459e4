"""One finite hypernetwork in training."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperlimit.finite import FiniteHypernetwork, init
from hyperlimit.layers import Dense, Elementwise
from hyperlimit.networks import Hypernetwork, Network, mlp
from hyperlimit.studies.rotation._config import RotationConfig
from hyperlimit.studies.rotation._task import CLASSES, Examples

# Networks g held at a time in evaluation.
_TOGETHER = 100


class Curve(NamedTuple):
    """Accuracies after each epoch."""

    train: Float[np.ndarray, " e"]
    test: Float[np.ndarray, " e"]


def specification(config: RotationConfig, depth: int, width: int) -> Hypernetwork:
    """f of the settings' hidden layers, and a g that it writes all of."""
    hidden = [
        layer
        for size in config.meta_widths
        for layer in (Dense(size), Elementwise("relu"))
    ]
    return Hypernetwork(
        meta=Network((*hidden, Dense(None))),
        primary=mlp(depth=depth, width=width, out=CLASSES),
    )


def trained_curve(
    config: RotationConfig,
    spec: Hypernetwork,
    task: tuple[Examples, Examples],
    key: PRNGKeyArray,
    rate: float,
) -> Curve:
    """Trains a network on the cross-entropy; its accuracies.

    That in training is over as many pairs as there are for testing.
    """
    train, test = (on_device(part) for part in task)
    seen = Examples(*(part[: len(test.labels)] for part in train))
    birth, orders = jax.random.split(key)
    size = train.x.shape[1]
    net = init(spec, key=birth, x=size, z=size, parametrisation="standard")
    assert isinstance(net, FiniteHypernetwork)
    found = []
    for index in range(config.epochs):
        order = jax.random.permutation(
            jax.random.fold_in(orders, index), len(train.labels)
        )
        steps = len(order) // config.batch
        batches = order[: steps * config.batch].reshape(steps, config.batch)
        net = epoch_of_training(net, train, batches, jnp.asarray(rate))
        found.append((accuracy(net, seen), accuracy(net, test)))
    return Curve(*np.array(found, float).T)


def on_device(given: Examples) -> Examples:
    """The same as JAX's arrays, in the precision of networks."""
    x, z = (jnp.asarray(part, float) for part in (given.x, given.z))
    return Examples(x, z, jnp.asarray(given.labels))


@eqx.filter_jit
def accuracy(net: FiniteHypernetwork, given: Examples) -> Float[Array, ""]:
    """The share of examples whose class has the largest output."""
    outputs = jax.lax.map(
        lambda pair: net(*pair), (given.x, given.z), batch_size=_TOGETHER
    )
    return jnp.mean(jnp.argmax(outputs, axis=1) == given.labels)


@eqx.filter_jit
def epoch_of_training(
    net: FiniteHypernetwork,
    train: Examples,
    batches: Int[Array, "s b"],
    learning_rate: Float[Array, ""],
) -> FiniteHypernetwork:
    """Steps of stochastic gradient descent on the mean cross-entropy of each batch."""
    optimiser = optax.sgd(learning_rate)
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)

    def loss(arrays: FiniteHypernetwork, batch: Int[Array, " b"]) -> Array:
        outputs = jax.vmap(eqx.combine(arrays, rest))(train.x[batch], train.z[batch])
        labels = train.labels[batch]
        return jnp.mean(
            optax.softmax_cross_entropy_with_integer_labels(outputs, labels)
        )

    def step(carry, batch: Int[Array, " b"]):
        arrays, state = carry
        change, state = optimiser.update(jax.grad(loss)(arrays, batch), state)
        return (optax.apply_updates(arrays, change), state), None

    (arrays, _), _ = jax.lax.scan(step, (arrays, optimiser.init(arrays)), batches)
    return eqx.combine(arrays, rest)
