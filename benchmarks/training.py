"""A step of `train` beside a loop written by hand, small and large hypernetworks.

The loop by hand is what one would write with Equinox and Optax: a compiled step with
donated arrays, minibatches cut on the host, losses fetched at the end. Both take turns
in each round, compiled before; medians over rounds of the ratio within a round. Goal:
a step costs at most 1.1 times that by hand.
"""

import argparse
import statistics
import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console
from rich.table import Table

import hyperlimit as hl

GOAL = 1.1
ADAM = optax.adam(1e-3)
# Width of f, examples, points of each, examples a step, steps.
CASES = ((32, 512, 16, 32, 2000), (256, 512, 64, 32, 200))


@eqx.filter_jit(donate="all")
def step(net, state, x, z, y):
    def loss(net):
        return jnp.mean((net.batch(x, z)[..., 0] - y) ** 2)

    value, gradient = eqx.filter_value_and_grad(loss)(net)
    updates, state = ADAM.update(gradient, state)
    return eqx.apply_updates(net, updates), state, value


def by_hand(net, data, size: int, steps: int) -> list:
    """The losses of a loop of ordinary steps."""
    x, z, y = data
    net = jax.tree.map(lambda a: jnp.copy(a) if eqx.is_array(a) else a, net)
    state = ADAM.init(eqx.filter(net, eqx.is_inexact_array))
    draw, losses = np.random.default_rng(0), []
    while len(losses) < steps:
        order = draw.permutation(len(x))
        for start in range(0, len(x) - size + 1, size):
            rows = order[start : start + size]
            net, state, value = step(net, state, x[rows], jnp.asarray(z), y[rows])
            losses.append(value)
    return jax.device_get(losses)


def ours(net, data, size: int, steps: int) -> np.ndarray:
    return hl.train(
        net,
        data,
        key=jax.random.key(1),
        steps=steps,
        batch_size=size,
        optimiser=ADAM,
        progress=False,
    ).losses


def main() -> int:
    """Times the rows; the exit status is 1 if --check finds the goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    table = Table("width of f", "a step, train", "by hand", "ratio")
    met, draw = True, np.random.default_rng(0)
    for width, n, p, size, steps in CASES:
        spec = hl.Hypernetwork(
            hl.mlp(depth=3, width=width), hl.mlp(depth=3, width=16, out=1)
        )
        x = draw.normal(size=(n, 8)).astype(np.float32)
        z = draw.normal(size=(p, 2)).astype(np.float32)
        data = (x, z, np.sin(x[:, :1] + z[:, 0]))
        net = hl.init(spec, key=jax.random.key(0), x=x, z=z)
        times = []
        for _ in range(options.rounds + 1):
            pair = []
            for way in (ours, by_hand):
                start = time.perf_counter()
                way(net, data, size, steps)
                pair.append((time.perf_counter() - start) / steps)
            times.append(pair)
        # The first round compiles.
        kept = times[1:]
        medians = [statistics.median(column) for column in zip(*kept, strict=True)]
        ratio = statistics.median(one / two for one, two in kept)
        met = met and ratio <= GOAL
        cells = (f"{1e6 * seconds:.0f} us" for seconds in medians)
        table.add_row(str(width), *cells, f"{ratio:.2f}")
    Console().print(table)
    return 0 if met or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
