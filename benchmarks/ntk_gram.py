"""Speed, memory and compile time of the dual limit's NTK matrix.

    python benchmarks/ntk_gram.py [--precision float64] [--peer-python PATH] [--check]

README.md beside this file says what each row means. Everything is timed in one run,
in rounds that visit every case once, and compared by the median over rounds of the
ratio within a round: on a shared machine that is worth more than any single time.
"""

import argparse
import contextlib
import ctypes
import functools
import gc
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import IO

# The goals are those of a CPU, and resident memory says nothing of another device.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from rich.console import Console
from rich.table import Table

import hyperlimit as hl
from hyperlimit.activations import GaussianPair
from hyperlimit.limits import DualLimit

D_X, D_Z = 784, 2
ROWS_AN_IMAGE = 40
COMPILED_AT = 64
# Short, as long as layers are written out one by one, and long enough for a loop.
COMPILE_DEPTHS = ((4, 4), (7, 7), (128, 128))
MAP_SIDE, MAP_CALLS = 1024, 24
GOALS = {"reference": 1.2, "peer": 0.5, "matrices": 3.0, "compile": 2.0}

Pairs = tuple[Array, Array]


# --- What is measured ---------------------------------------------------------


def dual_limit(depths: tuple[int, int]) -> DualLimit:
    meta, primary = depths
    return hl.dual_limit(
        hl.Hypernetwork(
            meta=hl.mlp(depth=meta, width=8),
            primary=hl.mlp(depth=primary, width=8, out=1),
        )
    )


def duals(depths: tuple[int, int]) -> int:
    """Evaluations of an activation's dual for one entry."""
    return sum(depth - 1 for depth in depths)


def pairs(n: int, precision: str, seed: int, images: int | None = None) -> Pairs:
    """Rows (x, z) without two alike; with `images`, each x occurs n / images times."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((images or n, D_X))
    if images is not None:
        x = np.repeat(x, -(-n // images), axis=0)[:n]
    z = draw.uniform(-1, 1, (n, D_Z))
    return jnp.asarray(x, precision), jnp.asarray(z, precision)


def reference(count: int) -> Callable[[Array, Array], Array]:
    """The NTK of one plain ReLU network, as one would write it down.

    One jitted function, one matrix product, an arc cosine for each of `count` duals,
    and all n x n entries, also where the matrix is symmetric.
    """

    @jax.jit
    def ntk(x: Array, y: Array) -> Array:
        size_x = jnp.sqrt(jnp.mean(x * x, axis=1))[:, None]
        size_y = jnp.sqrt(jnp.mean(y * y, axis=1))[None, :]
        product = jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
        rho = product / (x.shape[1] * size_x * size_y)
        tangent = rho
        for _ in range(count):
            rho = jnp.clip(rho, -1, 1)
            angle = jnp.arccos(rho)
            slope = (math.pi - angle) / math.pi
            rho = rho * slope + jnp.sqrt(1 - rho * rho) / math.pi
            tangent = rho + tangent * slope
        return size_x * size_y * tangent

    return ntk


@jax.jit
def product(x: Array, y: Array) -> Array:
    return jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)


@jax.jit
def one_map(gap: Array) -> Array:
    """The package's own ReLU dual and derivative dual, once for every entry.

    One pass alone, because it is the fastest rate found: longer chains, which a
    compiler may fuse or split as it likes, take longer a map.
    """
    pair = GaussianPair(gap[:, :1], gap[:1, :], gap)
    after, transfer = hl.activation("relu").propagate(pair, math.sqrt(2))
    return after.gap + transfer


# --- Timing -------------------------------------------------------------------


class Peer:
    """neural-tangents in another interpreter, which times itself on request."""

    def __init__(self, process: subprocess.Popen, log: IO[str], **settings: object):
        assert process.stdin is not None
        assert process.stdout is not None
        self._commands, self._answers = process.stdin, process.stdout
        self._log = log
        self.facts = self._ask(settings)

    def seconds(self) -> float:
        return self._ask({})["seconds"]

    def _ask(self, command: dict) -> dict:
        # A peer that has ended shows in the empty answer below.
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(command), file=self._commands, flush=True)
        line = self._answers.readline()
        if not line:
            self._log.seek(0)
            sys.exit(f"the peer ended without an answer:\n{self._log.read()[-2000:]}")
        return json.loads(line)


@contextlib.contextmanager
def running_peer(python: str | None, n: int, precision: str) -> Generator[Peer | None]:
    if python is None:
        yield None
        return
    script = str(Path(__file__).with_name("ntk_gram_peer.py"))
    pipes: dict = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen([python, script], stderr=log, text=True, **pipes) as process,
    ):
        yield Peer(process, log, n=n, d=D_X, precision=precision)


def seconds_of(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def rounds(
    cases: Mapping[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Times each case once a round, every second round in reverse order."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(repeats):
        order = list(cases) if turn % 2 == 0 else list(cases)[::-1]
        for name in order:
            taken[name].append(cases[name]())
    return taken


def measured_times(arguments: argparse.Namespace, peer: Peer | None) -> dict:
    n, precision, depths = arguments.n, arguments.precision, arguments.depths
    limit, naive = dual_limit(depths), reference(duals(depths))
    one, two = pairs(n, precision, 1), pairs(n, precision, 2)
    images = max(n // ROWS_AN_IMAGE, 1)
    seen, unseen = (pairs(n, precision, seed, images) for seed in (3, 4))
    gap = jnp.asarray(
        np.random.default_rng(5).uniform(0, 2, (MAP_SIDE, MAP_SIDE)), precision
    )
    calls: dict[str, Callable[[], object]] = {
        "self": lambda: limit.ntk(one),
        "cross": lambda: limit.ntk(one, two),
        "images": lambda: limit.ntk(seen, unseen),
        "reference": lambda: naive(one[0], two[0]),
        "product": lambda: product(one[0], two[0]),
        "map": lambda: [one_map(gap) for _ in range(MAP_CALLS)],
    }
    cases = {name: functools.partial(seconds_of, call) for name, call in calls.items()}
    for case in cases.values():
        case()
    if peer is not None:
        return rounds({**cases, "peer": peer.seconds}, arguments.repeats)
    return rounds(cases, arguments.repeats)


def ratios(taken: dict[str, list[float]], over: str, factor: float = 1.0) -> dict:
    """The median over rounds of our time over that of `over`, times a factor."""
    return {
        case: median(
            factor * ours / theirs
            for ours, theirs in zip(taken[case], taken[over], strict=True)
        )
        for case in ("self", "cross", "images")
    }


def floors(taken: dict[str, list[float]], n: int, count: int) -> dict:
    """What the arithmetic alone costs at rates measured in the same rounds.

    One product of 2 n^2 d operations, then `count` maps of n^2 entries; half of both
    for a symmetric matrix.
    """
    evaluations = MAP_SIDE**2 * MAP_CALLS
    floor: dict[str, list[float]] = {"self": [], "cross": []}
    gap: dict[str, list[float]] = {"self": [], "cross": []}
    for turn, (of_product, of_map) in enumerate(
        zip(taken["product"], taken["map"], strict=True)
    ):
        whole = of_product + count * n**2 * of_map / evaluations
        for name, share in (("self", 0.5), ("cross", 1.0)):
            floor[name].append(share * whole)
            gap[name].append(taken[name][turn] / (share * whole))
    return {
        "product_flops_per_second": 2 * n**2 * D_X / median(taken["product"]),
        "maps_per_second": evaluations / median(taken["map"]),
        "seconds": {name: median(values) for name, values in floor.items()},
        "gap": {name: median(values) for name, values in gap.items()},
    }


# --- Probes: one number each, in a process of its own -------------------------


def probe_memory(arguments: argparse.Namespace) -> dict:
    """Peak resident memory of one call beyond what was resident before it.

    Compilers take memory of their own, so a first call at full size comes before and
    its result is dropped. What the allocator keeps of it would hide memory that the
    second call takes again: it is handed back (malloc_trim), and the parent process
    sets glibc to give large blocks back as soon as they are freed. The kernel then
    counts the peak itself from a mark on (5 written to clear_refs sets VmHWM back to
    VmRSS), which no sampling thread could miss a part of. Linux with glibc only.
    """
    n, precision, depths = arguments.n, arguments.precision, arguments.depths
    limit, naive = dual_limit(depths), reference(duals(depths))
    one, two = pairs(n, precision, 1), pairs(n, precision, 2)
    call = {
        "self": lambda: limit.ntk(one),
        "cross": lambda: limit.ntk(one, two),
        "reference": lambda: naive(one[0], two[0]),
    }[arguments.case]
    jax.block_until_ready((one, two))
    first_call = seconds_of(call)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    result = jax.block_until_ready(call())
    after = resident("VmHWM")
    matrix = n * n * jnp.dtype(precision).itemsize
    assert result.nbytes == matrix
    return {"matrices": (after - before) / matrix, "first_call": first_call}


def resident(field: str) -> int:
    """A field of this process's status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    raise LookupError(field)


def probe_compile(arguments: argparse.Namespace) -> dict:
    """Seconds from the first call of a fresh process to its small matrix.

    Processor seconds, of all threads, are what a clock would show at most on an idle
    machine; on a busy one the clock also counts waiting for a core.
    """
    limit = dual_limit(arguments.depths)
    one = pairs(COMPILED_AT, arguments.precision, 1)
    jax.block_until_ready(one)
    before = time.process_time()
    clock = seconds_of(lambda: limit.ntk(one))
    return {"clock": clock, "processor": time.process_time() - before}


PROBES = {"memory": probe_memory, "compile": probe_compile}


def probed(kind: str, arguments: argparse.Namespace, **changes: object) -> dict:
    settings = argparse.Namespace(**{**vars(arguments), **changes})
    command = [sys.executable, __file__, "--probe", kind, "--case", settings.case]
    command += ["--n", str(settings.n), "--precision", settings.precision]
    command += ["--depths", *(str(depth) for depth in settings.depths)]
    environment = dict(os.environ)
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    if kind == "memory":
        environment["MALLOC_MMAP_THRESHOLD_"] = str(2**20)
        environment["MALLOC_TRIM_THRESHOLD_"] = str(2**20)
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"probe {kind} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measured_memory(arguments: argparse.Namespace) -> dict:
    if not Path("/proc/self/clear_refs").exists():
        return {}
    return {
        case: probed("memory", arguments, case=case)
        for case in ("self", "cross", "reference")
    }


def measured_compile(arguments: argparse.Namespace) -> dict:
    """The least of three processes: a compiler does the same work every time."""
    found = {}
    for meta, primary in COMPILE_DEPTHS:
        probes = [
            probed("compile", arguments, depths=(meta, primary)) for _ in range(3)
        ]
        found[f"{meta}/{primary}"] = {
            key: min(probe[key] for probe in probes) for key in probes[0]
        }
    return found


# --- The report ---------------------------------------------------------------


def machine(peer: Peer | None) -> dict:
    found: dict = {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": platform.processor(),
        "flags": [],
    }
    described = Path("/proc/cpuinfo")
    if described.exists():
        lines = described.read_text().splitlines()
        parts = (line.partition(":") for line in lines)
        fields = {name.strip(): value.strip() for name, _, value in parts}
        found["cpu"] = fields.get("model name", found["cpu"])
        flags = set(fields.get("flags", "").split())
        wanted = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile")
        found["flags"] = [flag for flag in wanted if flag in flags]
    names = ("hyperlimit", "jax", "jaxlib", "numpy")
    found["versions"] = {name: version(name) for name in names}
    found["versions"]["python"] = platform.python_version()
    if peer is not None:
        found["peer_versions"] = peer.facts["versions"]
    return found


def judged(results: dict) -> list[dict]:
    """One row a goal: what, measured, the most that is allowed, and whether met."""
    found: list[tuple[str, float, str]] = []
    for case in ("self", "cross"):
        name = NAMES[case]
        reference = results["over_reference"][case]
        found.append((f"{name}: time over the reference", reference, "reference"))
        if "over_peer_per_dual" in results:
            peer = results["over_peer_per_dual"][case]
            found.append((f"{name}: time a dual over the peer", peer, "peer"))
        if case in results["memory"]:
            peak = results["memory"][case]["matrices"]
            found.append((f"{name}: peak memory in matrices", peak, "matrices"))
    for depths, seconds in results["compile"].items():
        least = min(seconds.values())
        found.append((f"first call at depths {depths}, s", least, "compile"))
    return [
        {
            "what": what,
            "measured": value,
            "goal": GOALS[key],
            "met": value <= GOALS[key],
        }
        for what, value, key in found
    ]


NAMES = {
    "self": "ntk(u)",
    "cross": "ntk(u1, u2)",
    "images": f"  each x {ROWS_AN_IMAGE} times",
    "reference": "reference",
    "product": "  its product",
    "peer": "peer, depth 4",
}


def show(results: dict, console: Console) -> None:
    settings, found = results["settings"], results["machine"]
    console.print(
        f"[bold]NTK matrix[/bold], n = {settings['n']}, {settings['precision']}, "
        f"x of {D_X} and z of {D_Z} numbers, depths {settings['depths']}, "
        f"{settings['repeats']} rounds"
    )
    console.print(
        f"{found['cores']} cores, {found['cpu']}, {' '.join(found['flags'])}; "
        + listed(found["versions"])
    )
    if "peer_versions" in found:
        console.print("peer: " + listed(found["peer_versions"]))

    table = Table(
        "medians", "s", "/ reference", "/ peer, a dual", "/ floor", "peak", "first, s"
    )
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    columns = (
        results["over_reference"],
        results.get("over_peer_per_dual", {}),
        results["floor"]["gap"],
        {case: values["matrices"] for case, values in results["memory"].items()},
        {case: values["first_call"] for case, values in results["memory"].items()},
    )
    for case, name in NAMES.items():
        if case in results["seconds"]:
            cells = (
                f"{values[case]:.2f}" if case in values else "" for values in columns
            )
            table.add_row(name, f"{median(results['seconds'][case]):.3f}", *cells)
    console.print(table)
    floor = results["floor"]
    console.print(
        f"floor: {floor['product_flops_per_second'] / 1e9:.0f} GFlop/s of products and "
        f"{floor['maps_per_second'] / 1e9:.2f} G/s of arc-cosine maps make "
        f"{floor['seconds']['self']:.3f} s and {floor['seconds']['cross']:.3f} s"
    )

    goals = Table("goal", "measured", "at most", "")
    for row in results["goals"]:
        mark = "[green]met[/green]" if row["met"] else "[red]missed[/red]"
        goals.add_row(row["what"], f"{row['measured']:.2f}", f"{row['goal']:g}", mark)
    console.print(goals)


def listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def parsed(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=4000, help="rows of the matrix")
    parser.add_argument("--repeats", type=int, default=9, help="rounds of timing")
    parser.add_argument(
        "--precision", choices=("float32", "float64"), default="float32"
    )
    parser.add_argument(
        "--depths", type=int, nargs=2, default=(4, 4), metavar=("META", "PRIMARY")
    )
    parser.add_argument(
        "--peer-python", metavar="PATH", help="an interpreter with neural-tangents"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write a file")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if a goal is missed"
    )
    parser.add_argument("--probe", choices=tuple(PROBES), help=argparse.SUPPRESS)
    parser.add_argument("--case", default="self", help=argparse.SUPPRESS)
    arguments = parser.parse_args(given)
    arguments.depths = tuple(arguments.depths)
    return arguments


def main(given: list[str] | None = None) -> int:
    arguments = parsed(given)
    jax.config.update("jax_enable_x64", arguments.precision == "float64")
    if arguments.probe:
        print(json.dumps(PROBES[arguments.probe](arguments)))
        return 0

    count = duals(arguments.depths)
    results: dict = {
        "settings": {
            key: getattr(arguments, key)
            for key in ("n", "repeats", "precision", "depths")
        },
        # First, while nothing else of this run holds memory or a core.
        "memory": measured_memory(arguments),
        "compile": measured_compile(arguments),
    }
    with running_peer(arguments.peer_python, arguments.n, arguments.precision) as peer:
        taken = measured_times(arguments, peer)
        results["machine"] = machine(peer)
    results["seconds"] = taken
    results["over_reference"] = ratios(taken, "reference")
    if peer is not None:
        factor = peer.facts["duals"] / count
        results["over_peer_per_dual"] = ratios(taken, "peer", factor)
    results["floor"] = floors(taken, arguments.n, count)
    results["goals"] = judged(results)
    show(results, Console())
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    missed = [row for row in results["goals"] if not row["met"]]
    return int(arguments.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
