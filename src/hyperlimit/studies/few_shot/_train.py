"""One linear network in meta-training, and what it makes of new tasks."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from hyperlimit.feature_learning import (
    LinearNetwork,
    Tasks,
    adapted,
    maml_loss,
)
from hyperlimit.studies.few_shot._config import FewShotConfig
from hyperlimit.studies.few_shot._tasks import Draws, tasks_of

# Tasks of which the adapted networks are held at a time in testing.
_TOGETHER = 100


def cross_entropy(
    outputs: Float[Array, "k o"], labels: Int[Array, " k"]
) -> Float[Array, ""]:
    """The mean over examples."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, labels))


def meta_trained_curve(
    config: FewShotConfig,
    net: LinearNetwork,
    images: Float[Array, "c p d"],
    learning: Draws,
    testing: Draws,
    told: Callable[[float], None],
) -> Float[np.ndarray, " e"]:
    """The share of right answers in new tasks, before and during meta-training.

    MAML by gradient descent.

    Args:
        config: of the study.
        net: at birth.
        images: of all classes.
        learning: tasks to learn from, (steps, tasks, ways).
        testing: tasks to be tested on, (tasks, ways).
        told: is told the share after every test.
    """
    tests = tasks_of(images, testing)
    found = [float(jnp.mean(accuracies(config, net, tests)))]
    between = config.meta_steps // config.tests
    for start in range(0, config.meta_steps, between):
        part = Draws(*(draws[start : start + between] for draws in learning))
        net = meta_trained(config, net, images, part)
        found.append(float(jnp.mean(accuracies(config, net, tests))))
        told(found[-1])
    return np.array(found)


@eqx.filter_jit
def accuracies(
    config: FewShotConfig, net: LinearNetwork, tests: Tasks
) -> Float[Array, " t"]:
    """The share of right answers in each task, after descent on its examples."""

    def one(task: Tasks) -> Array:
        learned = adapted(
            net,
            task.inputs,
            task.targets,
            loss=cross_entropy,
            rate=config.inner_rate,
            steps=config.test_steps,
        )
        answers = jnp.argmax(jax.vmap(learned)(task.new_inputs), axis=1)
        return jnp.mean(answers == task.new_targets)

    return jax.lax.map(one, tests, batch_size=_TOGETHER)


def descent(config: FewShotConfig) -> optax.GradientTransformation:
    """The rule of meta-training."""
    return optax.chain(
        optax.clip_by_global_norm(config.clip), optax.sgd(config.meta_rate)
    )


@eqx.filter_jit
def meta_trained(
    config: FewShotConfig,
    net: LinearNetwork,
    images: Float[Array, "c p d"],
    learning: Draws,
) -> LinearNetwork:
    """Steps of meta-training, on the tasks of one after those of the other."""
    optimiser = descent(config)

    def loss(net: LinearNetwork, tasks: Tasks) -> Array:
        mean = maml_loss(
            net,
            tasks,
            loss=cross_entropy,
            rate=config.inner_rate,
            steps=config.inner_steps,
            order=config.order,
        )
        return config.tasks * mean

    def step(carry, draws: Draws):
        net, state = carry
        slope = jax.grad(loss)(net, tasks_of(images, draws))
        updates, state = optimiser.update(slope, state)
        return (eqx.apply_updates(net, updates), state), None

    state = optimiser.init(eqx.filter(net, eqx.is_inexact_array))
    return jax.lax.scan(step, (net, state), learning)[0][0]
