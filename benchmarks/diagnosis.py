"""Badly initialised hypernetworks, as they are and with a diagnosis's advice followed.

    python benchmarks/diagnosis.py [--steps 1000]

Every network is diagnosed once, with the learning rate 0.001 of Adam in use, and then
trained for longer, on other batches, three times each way. The loss is that over all
data, in units of the best constant's.
"""

import argparse
import importlib.util
import sys
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console
from rich.table import Table

import hyperlimit as hl
from hyperlimit.diagnosis import data_from

RATE, BATCH = 1e-3, (32, 64)


def by_hand():
    path = Path(__file__).parents[1] / "examples" / "badly_initialised.py"
    spec = importlib.util.spec_from_file_location("badly_initialised", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fan_out(key):
    """A task's number to a classifier of 784 pixels, by a head that keeps gradients."""
    g = eqx.nn.MLP(784, 1, width_size=64, depth=2, key=key)
    return hl.hypernetize(
        g,
        where=eqx.nn.Linear,
        meta=hl.mlp(depth=2, width=64),
        embedding=hl.TaskEmbedding(tasks=10, size=16),
        initialisation="hyperfan_out",
        key=key,
    )


def tasks():
    """Ten tasks on 2,000 digits: is it this one? The answers are 1 and -1."""
    images = hl.data.load("mnist")
    rows = np.random.default_rng(0).permutation(images.n)[:2000]
    z = images.pixels[rows].reshape(len(rows), -1)
    z = (z - z.mean()) / z.std()
    labels = np.asarray([int(images.labels[row]) for row in rows])
    y = np.where(labels[None] == np.arange(10)[:, None], 1.0, -1.0)
    return np.arange(10), z.astype(np.float32), y[..., None].astype(np.float32)


def trained(net, data, rate, steps, seed):
    """The loss over all data at some steps."""
    x, z, y = (jnp.asarray(part) for part in data)
    chosen, rest = eqx.partition(net, eqx.is_inexact_array)
    rule = optax.adam(rate)
    count, points = min(len(x), BATCH[0]), BATCH[1]

    def outputs(chosen, x, z):
        net = eqx.combine(chosen, rest)
        return jax.vmap(lambda x: jax.vmap(net.primary(x))(z))(x)

    def loss(chosen, key):
        one, two = jax.random.split(key)
        i = jax.random.choice(one, len(x), (count,), replace=False)
        j = jax.random.choice(two, len(z), (points,), replace=False)
        return jnp.mean((outputs(chosen, x[i], z[j]) - y[i][:, j]) ** 2) / 2

    @jax.jit
    def some(carry, keys):
        def step(carry, key):
            chosen, state = carry
            updates, state = rule.update(jax.grad(loss)(chosen, key), state)
            return (optax.apply_updates(chosen, updates), state), None

        return jax.lax.scan(step, carry, keys)[0]

    @jax.jit
    def whole(chosen):
        def one(pair):
            return jnp.mean((outputs(chosen, pair[0][None], z)[0] - pair[1]) ** 2) / 2

        return jnp.mean(jax.lax.map(one, (x, y)))

    carry, found = (chosen, rule.init(chosen)), []
    keys = jax.random.split(jax.random.key(seed), steps)
    for part in (keys[: steps // 10], keys[steps // 10 :]):
        carry = some(carry, part)
        found.append(float(whole(carry[0])))
    return found


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    module, images, digits = by_hand(), data_from("mnist"), tasks()
    cases = {
        "PyTorch's default": (module.pytorch_default, images),
        "flax's default": (module.flax_default, images),
        "He": (module.he, images),
        "fan-out head, 784 inputs": (fan_out, digits),
    }
    table = Table(title="loss / the best constant's, as it is -> advice followed")
    short = given.steps // 10
    for column in ("network", f"{short} steps", f"{given.steps} steps", "advice", "s"):
        table.add_column(column, justify="right" if "steps" in column else "left")
    for name, (make, data) in cases.items():
        start = time.perf_counter()
        net = make(jax.random.key(0))
        found = hl.diagnose(net, data, learning_rate=RATE, draws=0)
        seconds = time.perf_counter() - start
        runs = {
            which: np.mean(
                [trained(*pair, given.steps, seed) for seed in range(given.seeds)],
                axis=0,
            )
            / found.baseline
            for which, pair in (
                ("as it is", (net, data, RATE)),
                ("followed", (found.network, data, found.learning_rate)),
            )
        }
        both = zip(runs["as it is"], runs["followed"], strict=True)
        cells = [f"{one:.3g} -> {two:.3g}" for one, two in both]
        about = ", ".join(dict.fromkeys(advice.about for advice in found.advice))
        rate = f"rate {found.learning_rate:.1e}"
        table.add_row(name, *cells, f"{about}; {rate}", f"{seconds:.0f}")
    Console(width=110).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
