"""A finite hypernetwork's forward pass and training step, beside PyTorch.

    python benchmarks/finite_batch.py [--peer-python PATH] [--large] [--check]

README.md beside this file says what each row means. Ours and the peer run in
interpreters of their own, on as many cores as are said, and take turns, call by call;
ratios are medians over rounds of ratios within a round. On a GPU there is one run, and
torch.compile is a row.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

IMAGES, POINTS, INPUTS = 64, 784, 784
META, PRIMARY = (784, 256, 256, 4417), (2, 64, 64, 1)
PARAMETERS = sum((a + 1) * b for a, b in itertools.pairwise(META))
# Beside the best row of PyTorch.
GOALS = {"forward": 0.9, "step": 1.0, "memory": 1.0}
CEILINGS = (None, "400MB", "200MB", "100MB")
HEADS = ("described", "full", "per_layer", "chunked", "low_rank")
# Threads of one side may still be spinning when its call has returned.
PAUSE = 0.01


class Side:
    """An interpreter that answers one JSON line with another."""

    def __init__(self, process: subprocess.Popen):
        assert process.stdin is not None
        assert process.stdout is not None
        self._commands, self._answers = process.stdin, process.stdout

    def ask(self, **command: object) -> dict:
        print(json.dumps(command), file=self._commands, flush=True)
        line = self._answers.readline()
        if not line:
            sys.exit("a side ended without an answer: run its script by hand")
        return json.loads(line)


@contextmanager
def side(
    python: str, script: str, cores: int, *, lean: bool = False, **settings: object
) -> Generator[tuple[Side, dict]]:
    """One side on some cores, and what it says of itself.

    `lean`: whether glibc hands large blocks back as soon as they are freed, without
    which a peak hides what it kept.
    """
    available = sorted(os.sched_getaffinity(0))[-cores:]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(cores))
    environment = os.environ | threads
    if lean:
        environment["MALLOC_MMAP_THRESHOLD_"] = str(2**20)
        environment["MALLOC_TRIM_THRESHOLD_"] = str(2**20)
    command = ["taskset", "-c", ",".join(map(str, available)), python]
    with subprocess.Popen(
        [*command, str(Path(__file__).with_name(script))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        started = Side(process)
        sizes = {"images": IMAGES, "points": POINTS, "inputs": INPUTS}
        yield started, started.ask(**sizes, threads=cores, **settings)
        assert process.stdin is not None
        process.stdin.close()


def scripts(peer: str | None) -> dict[str, str]:
    found = {"finite_batch_ours.py": sys.executable}
    return found | ({"finite_batch_peer.py": peer} if peer else {})


def times(cores: int, peer: str | None, rounds: int) -> tuple[dict, dict]:
    """Seconds by row and by what was done, and what the sides said."""
    facts: dict[str, dict] = {}
    calls: dict[tuple[str, str], Side] = {}
    with ExitStack() as stack:
        for script, python in scripts(peer).items():
            one, said = stack.enter_context(side(python, script, cores, cases=None))
            facts[script] = said
            for case in said["cases"]:
                calls |= {(case, what): one for what in ("forward", "step")}
            if script == "finite_batch_ours.py":
                calls |= {("rates", what): one for what in ("product", "copy")}
        taken: dict[tuple[str, str], list[float]] = {call: [] for call in calls}
        for turn in range(rounds + 1):
            for case, what in list(calls)[:: 1 if turn % 2 else -1]:
                time.sleep(PAUSE)
                found = calls[case, what].ask(case=case, what=what)["seconds"]
                if turn:
                    taken[case, what].append(found)
    return taken, facts


def peaks(cores: int, peer: str | None, names: dict[str, list[str]]) -> dict:
    """Bytes of a training step beyond what was resident, by row."""
    found = {}
    for script, python in scripts(peer).items():
        for name in names[script]:
            with side(python, script, cores, lean=True, cases=[name]) as (one, said):
                if name in said["cases"]:
                    answer = one.ask(case=name, what="step", memory=True)
                    found[name] = answer["peak"]
    return found


def floor(taken: dict) -> dict[str, dict[str, float]]:
    """What arithmetic and memory cost at rates measured in the same rounds.

    A step has every product of the forward pass three times, less those for gradients
    in x and z. Weights are read once a pass, and Adam reads and writes the weights,
    two moments and the gradient: activations need not leave the cache.
    """
    sizes = [
        (rows, a * b)
        for rows, widths in ((IMAGES, META), (IMAGES * POINTS, PRIMARY))
        for a, b in itertools.pairwise(widths)
    ]
    forward = sum(2 * rows * size for rows, size in sizes)
    first = sum(2 * rows * size for rows, size in (sizes[0], sizes[3]))
    rate = 2 * 1024**3 / median(taken["rates", "product"])
    width = 2 * 4 * 2**24 / median(taken["rates", "copy"])
    generated = IMAGES * META[-1]
    moved = {
        "forward": 4 * (PARAMETERS + 2 * generated),
        "step": 4 * (10 * PARAMETERS + 4 * generated),
    }
    work = {"forward": forward, "step": 3 * forward - first}
    return {
        what: {
            "products": work[what] / rate,
            "memory": moved[what] / width,
            "flops": work[what],
            "bytes": moved[what],
            "rate": rate,
            "width": width,
        }
        for what in work
    }


def shown(cores: int, taken: dict, facts: dict, memory: dict, console: Console) -> bool:
    """Prints one table; returns whether every goal is met."""
    peers = facts.get("finite_batch_peer.py", {"cases": [], "versions": {}})
    best = {
        what: min(peers["cases"], key=lambda n, w=what: median(taken[n, w]))
        for what in ("forward", "step")
        if peers["cases"]
    }
    table = Table(title=f"{cores} cores")
    columns = ("", "forward, ms", "/ best", "step, ms", "/ best", "peak, MB", "XLA, MB")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    ours, met = facts["finite_batch_ours.py"]["cases"], True
    for name in [*ours, *peers["cases"]]:
        cells = []
        for what in ("forward", "step"):
            cells.append(f"{1e3 * median(taken[name, what]):.1f}")
            pairs = zip(
                taken[name, what], taken[best.get(what, name), what], strict=True
            )
            ratio = median(a / b for a, b in pairs)
            cells.append(f"{ratio:.2f}" if best else "")
            met &= name != "hyperlimit" or ratio <= GOALS[what] or not best
        cells.append(f"{memory[name] / 1e6:.0f}" if name in memory else "")
        said = ours.get(name)
        cells.append(f"{said['temporary']['step'] / 1e6:.1f}" if said else "")
        table.add_row(name, *cells)
    console.print(table)
    if best:
        least = min(memory[name] for name in peers["cases"])
        met &= memory["hyperlimit"] <= GOALS["memory"] * least
    for what, parts in floor(taken).items():
        console.print(
            f"floor of a {what}: {parts['flops'] / 1e9:.2f} GFlop at "
            f"{parts['rate'] / 1e9:.0f} GFlop/s, {1e3 * parts['products']:.1f} ms, and "
            f"{parts['bytes'] / 1e6:.0f} MB at {parts['width'] / 1e9:.0f} GB/s, "
            f"{1e3 * parts['memory']:.1f} ms"
        )
    versions = [said["versions"] for said in facts.values()]
    console.print("versions:", *versions, "left out:", peers.get("left_out"))
    return met


def ceilings(cores: int, heads: list[str], console: Console) -> bool:
    """A million generated numbers for each of 64 x: what is held, and the time."""
    table = Table(title=f"10^6 generated numbers, 64 x, 64 points, {cores} cores")
    columns = ("head", "ceiling", "XLA, MB", "resident, MB", "gradient, ms", "found, s")
    for column in columns:
        table.add_column(column, justify="right" if column != "head" else "left")
    met = True
    for head in heads:
        for ceiling in CEILINGS:
            started = time.perf_counter()
            with side(
                sys.executable,
                "finite_batch_ours.py",
                cores,
                lean=True,
                head=head,
                ceiling=ceiling,
            ) as (one, said):
                spent = time.perf_counter() - started
                case = said["cases"]["large"]
                seconds = [
                    one.ask(case="large", what="gradient")["seconds"] for _ in range(4)
                ]
                peak = one.ask(case="large", what="gradient", memory=True)["peak"]
            # What a call gives back is resident as well: the gradient, twice while
            # the one before it is let go.
            beside = peak - 4 * case["parameters"]
            temporary = case["temporary"]["gradient"]
            met &= ceiling is None or temporary <= 1e6 * int(ceiling[:-2])
            table.add_row(
                head,
                ceiling or "none",
                f"{temporary / 1e6:.0f}",
                f"{beside / 1e6:.0f}",
                f"{1e3 * median(seconds[1:]):.0f}",
                f"{spent:.0f}",
            )
    console.print(table)
    return met


def main() -> int:
    """Prints the tables; the exit status is 1 if --check finds a goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="one with PyTorch and other libraries")
    parser.add_argument("--cores", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--large", action="store_true", help="ceilings of memory")
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=HEADS)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    console, met = Console(width=100), True
    if given.large:
        met = ceilings(max(given.cores), given.heads, console)
        return int(given.check and not met)
    memory: dict = {}
    for cores in given.cores:
        taken, facts = times(cores, given.peer_python, given.rounds)
        names = {script: list(said["cases"]) for script, said in facts.items()}
        memory = memory or peaks(cores, given.peer_python, names)
        met &= shown(cores, taken, facts, memory, console)
    return int(given.check and not met)


if __name__ == "__main__":
    sys.exit(main())
