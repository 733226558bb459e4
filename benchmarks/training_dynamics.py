"""Training dynamics of n = 2,000 inputs, beside the one eigendecomposition they need.

Builds the dynamics and predicts the mean and the variance of 100 new inputs at a finite
time and at the end. Rows take turns in each round; medians over rounds. Goal: all of it
within 1.5 times the eigendecomposition alone and the two kernel matrices.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import hyperlimit as hl

GOAL = 1.5


def seconds(call: Callable[[], object]) -> float:
    """The wall-clock time of a call, its results waited for."""
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def main() -> int:
    """Times the rows; the exit status is 1 if --check finds the goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--precision", choices=["float32", "float64"], default="float32"
    )
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", options.precision == "float64")
    rng = np.random.default_rng(0)
    n = options.n
    u, new = (
        (jnp.asarray(rng.normal(size=(m, 64))), jnp.asarray(rng.normal(size=(m, 2))))
        for m in (n, 100)
    )
    y = jnp.asarray(rng.normal(size=(n, 1)))
    limit = hl.dual_limit(
        hl.Hypernetwork(
            hl.mlp(depth=3, width=8, bias_std=0.3),
            hl.mlp(depth=3, width=8, bias_std=0.3, out=1),
        )
    )
    kernel = limit.ntk(u)
    eigh = jax.jit(jnp.linalg.eigh)

    def predicted(at: hl.Flow) -> tuple:
        training = hl.training_dynamics(limit, u, y)
        return training.mean(new, at), training.variance(new, at)

    rows = {
        "eigendecomposition": lambda: eigh(kernel),
        "both kernel matrices": lambda: limit.kernels(u),
        "finite time": lambda: predicted(hl.Flow(1.0)),
        "the end": lambda: predicted(hl.Flow()),
    }
    taken: dict[str, list[float]] = {name: [] for name in rows}
    for index in range(options.rounds + 1):
        for name, call in rows.items():
            elapsed = seconds(call)
            if index:
                taken[name].append(elapsed)
    floor = [
        a + b
        for a, b in zip(
            taken["eigendecomposition"], taken["both kernel matrices"], strict=True
        )
    ]
    table = Table(title=f"n = {n}, {options.precision}")
    for name in ("row", "s", "/ floor"):
        table.add_column(name)
    worst = 0.0
    for name, values in taken.items():
        ratio = statistics.median(a / b for a, b in zip(values, floor, strict=True))
        table.add_row(name, f"{statistics.median(values):.3f}", f"{ratio:.2f}")
        worst = max(worst, ratio)
    Console().print(table)
    return int(options.check and worst > GOAL)


if __name__ == "__main__":
    sys.exit(main())
