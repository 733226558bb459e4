"""A finite hypernetwork of the same description, trained on the same task."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from numpy.typing import NDArray

from hyperlimit.finite import FiniteHypernetwork, init
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies.completion._problem import CompletionProblem

IMAGES_A_STEP = 32
PIXELS_A_STEP = 256
LEARNING_RATE = 1e-3


def train_finite(
    problem: CompletionProblem, reporter: Reporter
) -> tuple[NDArray[np.float32], list[float]]:
    """Trains by Adam on random images and pixels; predictions and the loss curve.

    The loss is the mean squared error over the known pixels among those drawn. Adam
    with a cosine schedule from 1e-3, standard parametrisation.
    """
    config, steps = problem.config, problem.config.finite_steps
    spec = config.spec(problem.train.shape)
    key, draw = jax.random.split(jax.random.key(config.seed))
    net = init(spec, key=key, parametrisation="standard")
    assert isinstance(net, FiniteHypernetwork)
    x = _unit(problem.seen(problem.train))
    z = jnp.asarray(problem.coordinates)
    known = problem.known.reshape(problem.train.n, -1, 1)
    targets = jnp.asarray((problem.flat(problem.train) - problem.centre) * known)
    weights = jnp.asarray(known, x.dtype)
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, steps))
    state = optimiser.init(eqx.filter(net, eqx.is_inexact_array))

    @eqx.filter_jit(donate="all-except-first")
    def step(data: tuple, net: FiniteHypernetwork, state: optax.OptState, key: Array):
        x, z, targets, weights = data
        image_key, pixel_key = jax.random.split(key)
        images = jax.random.choice(image_key, len(x), (IMAGES_A_STEP,))
        pixels = jax.random.choice(pixel_key, len(z), (PIXELS_A_STEP,))

        def loss(net: FiniteHypernetwork) -> Float[Array, ""]:
            wrong = net.batch(x[images], z[pixels]) - targets[images][:, pixels]
            weight = weights[images][:, pixels]
            return jnp.sum(weight * wrong**2) / jnp.maximum(jnp.sum(weight), 1)

        value, gradient = eqx.filter_value_and_grad(loss)(net)
        change, state = optimiser.update(gradient, state)
        return eqx.apply_updates(net, change), state, value

    curve: list[float] = []
    with reporter.stage("training the finite hypernetwork", steps) as update:
        for index in range(steps):
            key = jax.random.fold_in(draw, index)
            net, state, value = step((x, z, targets, weights), net, state, key)
            curve.append(float(value))
            update(index + 1, f"loss {curve[-1]:.4f}")
    predict = eqx.filter_jit(FiniteHypernetwork.batch)
    found = [
        predict(net, jnp.asarray(part), z)
        for part in np.array_split(
            np.asarray(_unit(problem.seen(problem.test))), -(-problem.test.n // 50)
        )
    ]
    return np.asarray(jnp.concatenate(found), np.float32) + problem.centre, curve


def _unit(seen: NDArray[np.float32]) -> Float[Array, "n d"]:
    """Rows rescaled to |x|^2 = d, as the kernels read them."""
    length = np.linalg.norm(seen, axis=1, keepdims=True)
    return jnp.asarray(seen * (seen.shape[1] ** 0.5 / length))
