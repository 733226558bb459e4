"""A finite hypernetwork of the same description, trained on the same task."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from numpy.typing import NDArray

from hyperlimit.finite import FiniteHypernetwork, init
from hyperlimit.numerics import clipped
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies.completion._problem import CompletionProblem

IMAGES_A_STEP = 32
PIXELS_A_STEP = 256
LEARNING_RATE, FAN_IN = 1e-3, 256
WARM_UP = 100
CHECK_EVERY = 25


class Curves(NamedTuple):
    """The loss of every step's batch, and (step, loss) on what was held out."""

    training: list[float]
    held_out: list[tuple[int, float]]


class _Data(NamedTuple):
    """Images as the network reads them: (n, d), (n, p, c) and (n, p, 1)."""

    x: Array
    targets: Array
    weights: Array

    def at(self, chosen: slice) -> "_Data":
        """A slice of the images."""
        return _Data(self.x[chosen], self.targets[chosen], self.weights[chosen])


def train_finite(
    problem: CompletionProblem, reporter: Reporter
) -> tuple[NDArray[np.float32], Curves]:
    """Trains by Adam on random images and pixels; predictions and the loss curves.

    The loss is the mean squared error over the known pixels among those drawn, in
    pixel units. Adam with clipped gradients, a warm-up to 1e-3 (less for a head that
    reads more than 256 features) and a cosine schedule; standard parametrisation. A
    tenth of the training images is held out, and the network that does best on their
    known pixels is kept: trained to the end it overfits.
    """
    config, steps = problem.config, problem.config.finite_steps
    key, draw = jax.random.split(jax.random.key(config.seed))
    net = init(config.spec(problem.train.shape), key=key, parametrisation="standard")
    assert isinstance(net, FiniteHypernetwork)
    dtype = jax.dtypes.canonicalize_dtype(float)
    z = jnp.asarray(problem.coordinates, dtype)
    known = problem.known.reshape(problem.train.n, -1, 1).astype(np.float32)
    targets = (problem.flat(problem.train) - problem.centre) * known
    data = _Data(
        jnp.asarray(problem.seen(problem.train), dtype),
        jnp.asarray(targets, dtype),
        jnp.asarray(known, dtype),
    )
    held = max(1, problem.train.n // 10) if problem.train.n > 1 else 0
    held_out, used = data.at(slice(0, held or 1)), data.at(slice(held, None))
    # A step of Adam moves a generated weight by the rate times the head's fan-in: too
    # far with many features, and without a warm-up in the first steps too.
    fan_in = net.meta.values[-1]["weight"].shape[1]
    rate = LEARNING_RATE * min(1.0, FAN_IN / fan_in)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, rate, min(WARM_UP, steps // 2), steps
    )
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
    state = optimiser.init(eqx.filter(net, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(data: _Data, net: FiniteHypernetwork, state: optax.OptState, key: Array):
        image_key, pixel_key = jax.random.split(key)
        images = jax.random.choice(image_key, len(data.x), (IMAGES_A_STEP,))
        pixels = jax.random.choice(pixel_key, len(z), (PIXELS_A_STEP,))
        batch = _Data(
            data.x[images],
            data.targets[images][:, pixels],
            data.weights[images][:, pixels],
        )
        value, gradient = eqx.filter_value_and_grad(_loss)(net, batch, z[pixels])
        change, state = optimiser.update(gradient, state)
        return eqx.apply_updates(net, change), state, value

    loss = eqx.filter_jit(_loss)
    curves = Curves([], [])
    best, kept = float("inf"), net
    with reporter.stage("training the finite hypernetwork", steps) as update:
        for index in range(steps):
            net, state, value = step(used, net, state, jax.random.fold_in(draw, index))
            curves.training.append(float(value))
            if (index + 1) % CHECK_EVERY == 0 or index + 1 == steps:
                wrong = float(loss(net, held_out, z))
                curves.held_out.append((index + 1, wrong))
                if wrong < best:
                    best, kept = wrong, net
            update(index + 1, f"loss {curves.training[-1]:.4f}")
    predict = eqx.filter_jit(FiniteHypernetwork.batch)
    seen = jnp.asarray(problem.seen(problem.test), dtype)
    parts = [predict(kept, seen[i : i + 50], z) for i in range(0, len(seen), 50)]
    return np.asarray(jnp.concatenate(parts), np.float32) + problem.centre, curves


def _loss(
    net: FiniteHypernetwork, batch: _Data, z: Float[Array, "p 2"]
) -> Float[Array, ""]:
    wrong = net.batch(batch.x, z) - batch.targets
    count = jnp.sum(batch.weights) * wrong.shape[2]
    return jnp.sum(batch.weights * wrong**2) / clipped(count, low=1)
