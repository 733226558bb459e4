"""Where training starts, and where 300 steps of Adam lead, for each initialisation.

Completes MNIST digits of which the upper half is seen with a finite hypernetwork: f
reads the seen pixels, and g, an `eqx.nn.MLP` whose layers are all generated, reads
Fourier features of a pixel's coordinates. Adam without schedule, warm-up or clipping,
for every row alike. The targets are pixels less the mean image, in units of their root
mean square, so that the mean image has loss 1; losses are mean squared errors over all
392,000 training pixels, means over seeds.

Two rows are written by hand as a user without this package would: the last linear
layer of f in Equinox's own default (uniform in +-1 / sqrt(fan-in), as PyTorch's), and
in He's initialisation (normal, variance 2 / fan-in).
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array
from rich.console import Console
from rich.table import Table

import hyperlimit as hl
from hyperlimit.parametrisation import INITIALISATIONS
from hyperlimit.studies.completion import CompletionConfig
from hyperlimit.studies.completion._problem import completion_problem

STEPS = 300
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
IMAGES_A_STEP, PIXELS_A_STEP = 32, 256
BY_HAND = ("by hand, default", "by hand, He")


class ByHand(eqx.Module):
    """A hypernetwork as one writes it without a package."""

    below: eqx.nn.MLP
    head: eqx.nn.Linear
    primary: Callable[[Array], eqx.Module] = eqx.field(static=True)

    def batch(self, x: Array, z: Array) -> Array:
        """All z for each x."""

        def one(image: Array) -> Array:
            weights = self.head(jax.nn.relu(self.below(image)))
            return jax.vmap(self.primary(weights))(z)

        return jax.vmap(one)(x)


class Task(NamedTuple):
    """Images (n, d) in both scalings, features of z (p, k), and targets (n, p, 1)."""

    seen: Array
    bounded: Array
    z: Array
    targets: Array


def task(images: int) -> Task:
    """The completion task of `hyperlimit complete --data mnist`."""
    config = CompletionConfig(data="mnist", train=images, test=1)
    problem = completion_problem(config)
    inputs = config.spec(problem.train.shape).primary.inputs
    fixed = inputs.draw(2, jax.random.key(config.seed))
    z = jax.vmap(lambda point: inputs.apply(fixed, point))(
        jnp.asarray(problem.coordinates)
    )
    pixels = problem.flat(problem.train)[..., 0] * problem.observed.ravel()
    targets = problem.flat(problem.train) - problem.centre
    targets = targets / np.sqrt(np.mean(targets**2))
    seen = problem.seen(problem.train)
    return Task(*(jnp.asarray(part) for part in (seen, pixels, z, targets)))


def network(name: str, task: Task, seed: int) -> eqx.Module:
    """A finite hypernetwork in one of the initialisations."""
    keys = jax.random.split(jax.random.key(seed), 3)
    primary = eqx.nn.MLP(task.z.shape[1], 1, 64, 2, key=keys[0])
    if name in BY_HAND:
        return by_hand(name, primary, task.seen.shape[1], keys[1:])
    return hl.hypernetize(
        primary,
        where=eqx.nn.Linear,
        meta=hl.mlp(depth=3, width=256),
        x=task.seen.shape[1],
        initialisation=name,
        key=keys[1],
    )


def by_hand(name: str, primary: eqx.nn.MLP, d: int, keys: Array) -> ByHand:
    """f of three linear layers, the last of which writes all weights of g."""
    arrays, rest = eqx.partition(primary, eqx.is_inexact_array)
    flat, restore = ravel_pytree(arrays)
    below = eqx.nn.MLP(d, 256, 256, 1, key=keys[0])
    head = eqx.nn.Linear(256, flat.size, key=keys[1])
    if name == "by hand, He":
        weight = math.sqrt(2 / 256) * jax.random.normal(keys[1], head.weight.shape)
        head = eqx.tree_at(lambda h: h.weight, head, weight)
    return ByHand(below, head, lambda weights: eqx.combine(restore(weights), rest))


def whole_loss(net: eqx.Module, x: Array, task: Task) -> float:
    """The loss on all images and pixels."""
    part = eqx.filter_jit(
        lambda net, x, y: jnp.mean((net.batch(x, task.z) - y) ** 2, axis=(1, 2))
    )
    losses = [
        np.asarray(part(net, x[i : i + 50], task.targets[i : i + 50]), np.float64)
        for i in range(0, len(x), 50)
    ]
    return float(np.concatenate(losses).mean())


def train(name: str, task: Task, seed: int, rate: float) -> tuple[float, float]:
    """The loss at birth, and after the steps."""
    net = network(name, task, seed)
    # That row's encoding reads numbers in [0, 1].
    x = task.bounded if name == "mip" else task.seen
    optimiser = optax.adam(rate)
    state = optimiser.init(eqx.filter(net, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(net: eqx.Module, state: optax.OptState, key: Array):
        image_key, pixel_key = jax.random.split(key)
        images = jax.random.choice(image_key, len(x), (IMAGES_A_STEP,))
        pixels = jax.random.choice(pixel_key, len(task.z), (PIXELS_A_STEP,))
        targets = task.targets[images][:, pixels]

        @eqx.filter_grad
        def gradient(net: eqx.Module) -> Array:
            return jnp.mean((net.batch(x[images], task.z[pixels]) - targets) ** 2)

        change, state = optimiser.update(gradient(net), state)
        return eqx.apply_updates(net, change), state

    first = whole_loss(net, x, task)
    key = jax.random.key(1000 + seed)
    for index in range(STEPS):
        net, state = step(net, state, jax.random.fold_in(key, index))
    return first, whole_loss(net, x, task)


def main() -> int:
    """Trains every row from every seed and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    given = task(options.images)
    title = f"Loss at birth and after {STEPS} steps; the mean image has 1"
    table = Table(title=title)
    table.add_column("initialisation")
    for heading in ("at birth", *(f"at {rate:g}" for rate in RATES)):
        table.add_column(heading, justify="right")
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for name in (*INITIALISATIONS, *BY_HAND):
        runs = {
            f"{rate:g}": [train(name, given, s, rate) for s in range(options.seeds)]
            for rate in RATES
        }
        found[name] = runs
        births = [first for first, _ in runs[f"{RATES[0]:g}"]]
        ends = [np.mean([last for _, last in ends]) for ends in runs.values()]
        table.add_row(name, f"{np.mean(births):.3g}", *(f"{end:.3g}" for end in ends))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
