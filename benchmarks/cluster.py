"""A solve on one and on two processes: seconds an iteration, messages and bytes.

Starts the ranks itself, each on a core of its own. The system is the Gram matrix of
images x coordinates of a hypernetwork, with its preconditioner of a subspace; strong
scaling keeps the images, weak scaling the square of their number a rank. The rows of
one table take turns; medians over rounds.

    python benchmarks/cluster.py
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ITERATIONS = 10
CORES = sorted(os.sched_getaffinity(0))


def of_rank(options: argparse.Namespace) -> None:
    """What a rank does: it measures, and rank 0 writes."""
    number = int(os.environ["HYPERLIMIT_RANK_NUMBER"])
    # Before XLA starts its threads.
    os.sched_setaffinity(0, {CORES[number % len(CORES)]})
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    import hyperlimit as hl
    from hyperlimit.distributed import session
    from hyperlimit.linalg.operators import Shifted
    from hyperlimit.linalg.sharded import (
        ImageRows,
        image_mesh,
        shard_kronecker_sum,
        sharded_kronecker_inverse,
    )
    from hyperlimit.linalg.solvers import conjugate_gradients

    with session() as rank:
        n, p = options.images, options.side**2
        draw = np.random.default_rng(0)
        kinds = draw.standard_normal((10, options.pixels))
        x = kinds[draw.integers(0, 10, n)] + draw.standard_normal((n, options.pixels))
        x = hl.unit_rows(x.astype(np.float32))
        grid = np.arange(options.side, dtype=np.float32)
        z = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
        bandwidth = hl.FourierFeatures(bandwidth=options.side / 10)
        spec = hl.Hypernetwork(
            hl.mlp(depth=4, width=8),
            hl.mlp(depth=3, width=8, out=1, inputs=bandwidth),
        )
        # No memory for left factors: they are made from the images.
        gram = hl.dual_limit(spec).gram(x, z, atol=1e-4, memory=0)
        layout = ImageRows(image_mesh(), n)
        total = shard_kronecker_sum(gram.operator, layout, keep=not options.streamed)
        ridge = 1e-3 * float(gram.report.largest)
        system = Shifted(total, jnp.asarray(ridge, total.dtype))
        inverse = sharded_kronecker_inverse(total, ridge, options.rank)
        y = draw.standard_normal((n * p, options.columns)).astype(np.float32)
        right = layout.scattered(y)

        def timed(product):
            compiled = eqx.filter_jit(product).lower(*given).compile()
            jax.block_until_ready(compiled(*given))
            start, busy = time.perf_counter(), time.process_time()
            for _ in range(ITERATIONS):
                jax.block_until_ready(compiled(*given))
            return {
                "seconds": (time.perf_counter() - start) / ITERATIONS,
                "processor": (time.process_time() - busy) / ITERATIONS,
                "messages": messages(compiled.compiled.as_text()),
            }

        given = (system, right)
        results = {"product": timed(lambda system, v: system.matmat(v))}
        given = (inverse, right)
        results["preconditioner"] = timed(lambda inverse, v: inverse.matmat(v))
        # The first one is compiled.
        for _ in range(2):
            start, busy = time.perf_counter(), time.process_time()
            solution = conjugate_gradients(
                system, right, inverse, tolerance=1e-4, chunk=5
            )
            seconds = time.perf_counter() - start
            done = int(solution.iterations.max())
        results["iteration"] = {
            "seconds": seconds / done,
            "processor": (time.process_time() - busy) / done,
        }
        results["solve"] = {"seconds": seconds, "iterations": done}
        results["terms"] = gram.report.terms
        if rank.first:
            Path(options.out).write_text(json.dumps(results))


def messages(text: str) -> list[tuple[str, int]]:
    """The collectives of a compiled program, and the bytes that a rank then has."""
    found = []
    pattern = r"= (\w+)\[([\d,]*)\]\S* (all-gather|all-reduce|reduce-scatter)\("
    for kind, shape, name in re.findall(pattern, text):
        numbers = 1
        for side in shape.split(","):
            numbers *= int(side or 1)
        found.append((name, numbers * int(re.sub(r"\D", "", kind)) // 8))
    return found


def measured(options: argparse.Namespace, processes: int, images: int) -> dict:
    from hyperlimit.distributed import launch

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        words = [sys.executable, __file__, "--of-rank", "--out", str(out)]
        for name in ("side", "pixels", "columns", "rank"):
            words += [f"--{name}", str(getattr(options, name))]
        words += ["--images", str(images)] + ["--streamed"] * options.streamed
        status = launch(words, processes=processes)
        if status:
            raise SystemExit(f"{processes} processes ended with {status}")
        return json.loads(out.read_text())


def main() -> None:
    """Measures the table, or is one of its ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--side", type=int, default=12)
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--rank", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streamed", action="store_true")
    parser.add_argument("--of-rank", action="store_true")
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    if options.of_rank:
        of_rank(options)
        return
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    n = options.images
    cases = {"1 process": (1, n), "2, strong": (2, n), "2, weak": (2, int(n * 2**0.5))}
    rounds = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, case in cases.items():
            rounds[name].append(measured(options, *case))
    for name, (_, images) in cases.items():
        found = rounds[name]
        print(f"{name}, {images} images, {found[0]['terms']} terms:")
        for part in ("product", "preconditioner", "iteration"):
            wall, busy = (
                1e3 * statistics.median(one[part][what] for one in found)
                for what in ("seconds", "processor")
            )
            print(f"  {part}: {wall:.0f} ms, {busy:.0f} ms of a processor a rank")
            print(f"    messages: {found[0][part].get('messages', '')}")
        solve = found[0]["solve"]
        print(f"  solve: {solve['iterations']} iterations, {solve['seconds']:.1f} s")


if __name__ == "__main__":
    main()
