"""The empirical NTK of a hypernetwork and of an MLP, beside neural-tangents.

    python benchmarks/empirical_ntk.py [--peer-python PATH] [--check]

Ours and every implementation of the peer run in interpreters of their own, in turn;
seconds are medians over rounds and ratios medians within them; memory is the growth of
the process's largest resident size over what it had before the first call. Values are
compared in float64. An implementation that takes over a minute runs once; one that
asks for more than --peer-memory fails, and the table says so.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

import hyperlimit as hl

# The peer's names for its ways of contraction.
PEERS = (
    "STRUCTURED_DERIVATIVES",
    "NTK_VECTOR_PRODUCTS",
    "JACOBIAN_CONTRACTION",
    "AUTO",
)
SPECS = {
    "hypernetwork": hl.Hypernetwork(
        hl.mlp(depth=3, width=256, bias_std=0.1),
        hl.mlp(depth=3, width=64, bias_std=0.1, out=1),
    ),
    "mlp": hl.mlp(depth=4, width=512, bias_std=0.1, out=1),
}
# Times the peer's best, how much of its memory, and the largest relative difference.
GOALS = {"hypernetwork": (1 / 5, 1.0, 1e-10), "mlp": (1.0, None, 1e-10)}
SLOW = 60.0


class Side(NamedTuple):
    """An interpreter that answers one JSON line with another."""

    process: subprocess.Popen

    def ask(self, **command: object) -> dict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(json.dumps(command), file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline() or "{}")
        except BrokenPipeError:
            return {}

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def side(python: str, script: str, **settings: object) -> Side:
    process = subprocess.Popen(
        [python, str(Path(__file__).with_name(script))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    started = Side(process)
    started.ask(**settings)
    return started


def problem(case: str, folder: Path) -> Path:
    """Inputs and parameters in float64, in a file that both sides read."""
    jax.config.update("jax_enable_x64", True)
    rng, path = np.random.default_rng(0), folder / f"{case}.npz"
    spec = SPECS[case]
    if case == "mlp":
        net = hl.init(spec, key=jax.random.key(0), x=784)
        arrays = {"x": rng.standard_normal((64, 784))}
        values = net.values
    else:
        net = hl.init(spec, key=jax.random.key(0), x=784, z=2)
        x = rng.standard_normal((16, 784))
        arrays = {"x": x, "z": rng.standard_normal((16, 64, 2))}
        values = net.meta.values
    for index, layer in enumerate(value for value in values if value):
        arrays |= {f"{name}{index}": np.asarray(a) for name, a in layer.items()}
    np.savez(path, **arrays)
    return path


def measured(
    case: str,
    precision: str,
    path: Path,
    python: str | None,
    rounds: int,
    memory: float,
) -> dict[str, dict]:
    names = {"ours": (sys.executable, "empirical_ntk_ours.py", "")}
    if python is not None:
        names |= {p: (python, "empirical_ntk_peer.py", p) for p in PEERS}
    rows: dict[str, dict] = {}
    sides: dict[str, Side] = {}
    for name, (interpreter, script, implementation) in names.items():
        one = side(
            interpreter,
            script,
            case=case,
            precision=precision,
            path=str(path),
            implementation=implementation,
            address_space=int(memory * 2**30) if implementation else 0,
        )
        saved = path.with_name(f"{case}-{precision}-{name}.npy")
        first = one.ask(values=str(saved))
        rows[name] = {"seconds": [], "values": saved, "first": first.get("seconds")}
        rows[name]["memory"] = first.get("memory")
        if first and first["seconds"] < SLOW:
            sides[name] = one
        else:
            one.close()
    for turn in range(rounds):
        for name in sorted(sides, reverse=bool(turn % 2)):
            rows[name]["seconds"].append(sides[name].ask()["seconds"])
    for one in sides.values():
        one.close()
    return rows


def table_of(case: str, precision: str, rows: dict[str, dict], check: bool) -> bool:
    """Prints one table; returns whether a goal was missed."""
    table = Table(title=f"{case}, {precision}")
    columns = ("", "first, s", "s", "ours / it", "memory, MiB", "difference")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    ours, best, missed = rows["ours"], {}, False
    exact = np.load(ours["values"])
    for name, row in rows.items():
        if row["first"] is None:
            table.add_row(name, "failed")
            continue
        seconds = row["seconds"] or [row["first"]]
        every = row["seconds"] or [row["first"]] * len(ours["seconds"])
        pairs = zip(ours["seconds"], every, strict=True)
        ratio = median(one / other for one, other in pairs)
        values = np.load(row["values"])
        difference = float(np.abs(values - exact).max() / np.abs(exact).max())
        if name != "ours":
            best[name] = (median(seconds), ratio, row["memory"], difference)
        table.add_row(
            name,
            f"{row['first']:.2f}",
            f"{median(seconds):.4f}",
            f"{ratio:.3f}",
            f"{row['memory'] / 2**20:.0f}",
            f"{difference:.1e}",
        )
    Console().print(table)
    if best:
        fastest = min(best, key=lambda name: best[name][0])
        _, ratio, memory, difference = best[fastest]
        goal, share, error = GOALS[case]
        missed = ratio > goal
        missed |= share is not None and ours["memory"] > share * memory
        missed |= precision == "float64" and difference > error
        print(f"best of the peer: {fastest}; goals {'missed' if missed else 'met'}")
    return check and missed


def main() -> int:
    """Prints the tables; the exit status is 1 if --check finds a goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python")
    parser.add_argument("--peer-memory", type=float, default=14.0, help="GiB")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cases", nargs="+", default=list(SPECS), choices=SPECS)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for case in given.cases:
            path = problem(case, Path(folder))
            for precision in ("float32", "float64"):
                rows = measured(
                    case,
                    precision,
                    path,
                    given.peer_python,
                    given.rounds,
                    given.peer_memory,
                )
                missed |= table_of(case, precision, rows, given.check)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
