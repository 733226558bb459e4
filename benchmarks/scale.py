"""Complete targets: n digits x 784 pixels, solved to a true relative residual.

The top half of each image is what f reads, all 784 pixels are targets. Everything is
timed from the arrays on: kernels, the expansion with its check, the preconditioner, and
conjugate gradients, compilation included. Beside each stage stands its floor: the flops
of its matrix products over the rate of one large product, measured in the same run. The
residual is computed once more at the end, in double precision, from the answer.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import hyperlimit as hl
from hyperlimit.linalg.operators import KroneckerSum, Shifted
from hyperlimit.linalg.solvers import (
    KroneckerInverse,
    conjugate_gradients,
    preconditioner_for,
)

# Times the floor: of the solve and of one product.
SOLVE, PRODUCT = 2.0, 1.4
# Seconds for so many images, and bytes.
GOALS = {2000: (20.0, None), 5000: (120.0, 6 * 2**30)}


def seconds(call: Callable[[], object], rounds: int = 5) -> float:
    """The least wall-clock time of a call, after one that compiles."""
    jax.block_until_ready(call())
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - start)
    return min(taken)


def rate(dtype: str, size: int) -> float:
    """Flops a second of one large matrix product."""
    matrix = jnp.ones((size, size), dtype)
    product = jax.jit(lambda a: a @ a)
    return 2 * size**3 / seconds(lambda: product(matrix))


def problem(data: str, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Top halves, coordinates and centred pixels."""
    pixels = hl.data.load(data).pixels
    pixels = pixels[np.random.default_rng(0).permutation(len(pixels))[:n]]
    n, height, width = pixels.shape[:3]
    x = np.asarray(hl.unit_rows(pixels[:, : height // 2].reshape(n, -1)))
    z = np.stack(np.mgrid[:height, :width], -1).reshape(-1, 2)
    y = pixels.reshape(n, height * width)
    return x.astype(np.float32), z.astype(np.float32), y - y.mean(axis=0)


def description() -> hl.Hypernetwork:
    """That of `hyperlimit complete`."""
    return hl.Hypernetwork(
        hl.mlp(depth=4, width=8),
        hl.mlp(depth=3, width=8, out=1, inputs=hl.FourierFeatures(bandwidth=2.8)),
    )


def product_flops(operator: KroneckerSum) -> float:
    """Of one product with one vector."""
    (r, m, n), (_, q, p) = operator.left.shape, operator.right.shape
    return 2.0 * n * p * q * (r + len(operator.blocks)) + 2.0 * r * m * n * q


def main() -> int:
    """Times one solve; the exit status is 1 if --check finds a goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument(
        "--data", default="mnist", help="mnist, fashion, or a folder of images"
    )
    parser.add_argument("--ridge", type=float, default=1e-3)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--atol", type=float, default=None)
    parser.add_argument("--memory", type=float, default=2.0, help="GiB for A_k")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    memory = int(options.memory * 2**30)
    console = Console()
    x, z, y = problem(options.data, options.images)
    right = jnp.asarray(y.reshape(-1, 1), jnp.float32)
    begun = [time.perf_counter()]

    def lap() -> None:
        begun.append(time.perf_counter())

    gram = hl.dual_limit(description()).gram(x, z, atol=options.atol, memory=memory)
    jax.block_until_ready(gram.operator)
    lap()
    noise = options.ridge * float(np.mean(np.asarray(gram.diagonal())))
    found = preconditioner_for(gram.operator, noise, memory)
    jax.block_until_ready(found.operator)
    lap()
    system = Shifted(gram.operator, jnp.float32(noise))
    solution = conjugate_gradients(
        system,
        right,
        found.operator,
        tolerance=options.tolerance,
        progress=lambda used, residual: console.log(f"{used}: {residual:.1e}"),
    )
    lap()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    stages = np.diff(begun)
    operator, inverse = gram.operator, found.operator
    assert isinstance(operator, KroneckerSum)
    assert isinstance(inverse, KroneckerInverse)
    n, p = len(x), len(z)
    size = min(n, 4096)
    single, double = rate("float32", size), 0.0
    with jax.enable_x64(True):
        double = rate("float64", size)
        wide = solution.vectors.astype(jnp.float64)
        b = right.astype(jnp.float64)
        left = b - jax.jit(lambda s, v: s.matmat(v))(system, wide)
        true = float(jnp.linalg.norm(left) / jnp.linalg.norm(b))
    one = product_flops(operator)
    rank = inverse.images.shape[1]
    precondition = 4.0 * n * p * (p + rank)
    iterations = int(solution.iterations.max())
    # The solver's own true residual is one product in double precision.
    floor = iterations * (one + precondition) / single + one / double
    matmat = jax.jit(lambda operator, v: operator.matmat(v))
    product = seconds(lambda: matmat(operator, right), 3)
    table = Table(title=f"{n:,} x {p:,} = {n * p:,} points, {gram.report.terms} terms")
    for name in ("stage", "s", "floor, s", "ratio"):
        table.add_column(name)
    table.add_row("kernels and expansion", f"{stages[0]:.1f}", "", "")
    table.add_row(f"preconditioner ({found.name})", f"{stages[1]:.1f}", "", "")
    table.add_row(
        f"solve, {iterations} iterations",
        f"{stages[2]:.1f}",
        f"{floor:.1f}",
        f"{stages[2] / floor:.2f}",
    )
    ratio = product * single / one
    table.add_row(
        "one product", f"{product:.2f}", f"{one / single:.2f}", f"{ratio:.2f}"
    )
    table.add_row("all", f"{stages.sum():.1f}", "", "")
    console.print(table)
    relative = gram.report.error / gram.report.largest
    console.print(
        f"true relative residual {true:.1e}; condition {solution.condition:.1f}; "
        f"entries within {relative:.1e} of the largest; products {single / 1e9:.0f} "
        f"and {double / 1e9:.0f} GF/s, in G {one / product / 1e9:.0f}; "
        f"{peak / 2**30:.1f} GiB at the peak"
    )
    limit, most = GOALS.get(n, (np.inf, None))
    missed = (
        true > options.tolerance
        or stages.sum() > limit
        or (most is not None and peak > most)
        or stages[2] > SOLVE * floor
        or ratio > PRODUCT
    )
    return int(options.check and missed)


if __name__ == "__main__":
    sys.exit(main())
