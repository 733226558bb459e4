"""The NTK of convolutional networks on images, beside neural-tangents.

    python benchmarks/conv_kernel.py --peer-python PATH [--check]

Rounds in which both sides run once, in turn; the median of the ratios within a round.
Values are compared with the peer's in float64, which it errs least in.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import hyperlimit as hl

# Name: number of images, their side, convolutions, global pooling.
CASES = {
    "flatten, 100 of 32x32x3": (100, 32, 3, False),
    "global pooling, 8 of 16x16x3": (8, 16, 3, True),
}
GOAL_TIME, GOAL_ERROR = 2.0, 1e-5


def network(depth: int, pool: bool) -> hl.Network:
    """Convolutions and ReLUs, not scaled, as the peer's."""
    relu = hl.Elementwise(hl.activation("relu"), unit=False)
    end = hl.GlobalAveragePool() if pool else hl.Flatten()
    layers = (hl.Convolution(7), relu) * depth
    return hl.Network((*layers, end, hl.Dense(1)), hl.Images())


class Peer:
    """The other library in its own interpreter."""

    def __init__(self, python: str, **settings: object):
        script = str(Path(__file__).with_name("conv_kernel_peer.py"))
        self._process = subprocess.Popen(
            [python, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.ask(settings)

    def ask(self, command: dict) -> dict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the peer ended without an answer: is neural-tangents there?")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def measured(case: str, python: str, repeats: int, folder: Path) -> dict:
    n, side, depth, pool = CASES[case]
    x = np.random.default_rng(0).standard_normal((n, side, side, 3))
    images = folder / "images.npy"
    np.save(images, x)
    settings = {"images": str(images), "depth": depth, "pool": pool}
    exact = Peer(python, precision="float64", **settings)
    exact.ask({"values": str(folder / "values.npy")})
    exact.close()
    expected = np.load(folder / "values.npy")
    limit, given = hl.dual_limit(network(depth, pool)), jnp.asarray(x, "float32")
    start = time.perf_counter()
    found = np.asarray(limit.ntk(given), np.float64)
    first = time.perf_counter() - start
    peer = Peer(python, precision="float32", **settings)
    ours, theirs = [], []
    for turn in range(repeats):
        for which in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
            if which == "theirs":
                theirs.append(peer.ask({})["seconds"])
                continue
            start = time.perf_counter()
            jax.block_until_ready(limit.ntk(given))
            ours.append(time.perf_counter() - start)
    peer.close()
    return {
        "first": first,
        "ours": median(ours),
        "theirs": median(theirs),
        "ratio": median(a / b for a, b in zip(ours, theirs, strict=True)),
        "error": float((np.abs(found - expected) / expected).max()),
    }


def main() -> int:
    """Prints the table; the exit status is 1 if --check finds a goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    table = Table(title="NTK of three convolutions, float32")
    for column in ("case", "first, s", "s", "peer, s", "/ peer", "error", "goals"):
        table.add_column(column, justify="right")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            row = measured(case, arguments.peer_python, arguments.repeats, Path(folder))
            met = row["ratio"] <= GOAL_TIME and row["error"] <= GOAL_ERROR
            missed |= not met
            table.add_row(
                case,
                f"{row['first']:.2f}",
                f"{row['ours']:.3f}",
                f"{row['theirs']:.3f}",
                f"{row['ratio']:.2f}",
                f"{row['error']:.1e}",
                "met" if met else "MISSED",
            )
    Console().print(table)
    return int(arguments.check and missed)


if __name__ == "__main__":
    sys.exit(main())
