"""Masked problems beside dense Cholesky and GPyTorch's masked Kronecker sums.

Half of the pixels of n digits are known. All three solve for the same values with the
same noise: ours and dense Cholesky from the images on, compilation included;
linear_operator, in a Python of its own (--peer-python, with torch and gpytorch), on
the factors of our Kronecker sum, which nothing else makes and whose seconds count for
both, with its own preconditioner and conjugate gradients until the *true* residual is
within the tolerance: it is asked for less and less until it is. Each row of each
solver is a process of its own, and a peer is ended after 20 times our seconds,
and not tried on more values.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from rich.console import Console
from rich.table import Table

import hyperlimit as hl
from hyperlimit.linalg.operators import KroneckerSum, Selected, Shifted
from hyperlimit.linalg.solvers import conjugate_gradients, preconditioner_for
from scale import description, problem

RIDGE, TOLERANCE, MOST = 1e-3, 1e-3, 1000
# Rows of the dense matrix that are computed at a time, and of a block of its factor.
_ROWS, _BLOCK = 1000, 4096
# Rows that SciPy's factor falls over.
_EDGE = 32_000
# From so many values on ours is to be ahead, and by how much at the peers' largest.
FROM, LARGEST = 20_000, 20.0


def masked(n: int, share: float) -> tuple:
    """Images, coordinates, which pixels are known, and their values."""
    x, z, y = problem("mnist", n)
    mask = np.random.default_rng(1).uniform(size=y.shape) < share
    return x, z, mask, jnp.asarray(y[mask][:, None], jnp.float32)


def ours(n: int, share: float, out: str) -> dict:
    """Solves, and leaves the factors for the peer."""
    x, z, mask, targets = masked(n, share)
    start = time.perf_counter()
    gram = hl.dual_limit(description()).gram(x, z, mask)
    jax.block_until_ready(gram.operator)
    kernels = time.perf_counter() - start
    noise = RIDGE * float(np.mean(np.asarray(gram.diagonal())))
    groups = np.nonzero(mask)[0]
    found = preconditioner_for(gram.operator, noise, groups=groups)
    system = Shifted(gram.operator, jnp.float32(noise))
    solution = conjugate_gradients(
        system, targets, found.operator, tolerance=TOLERANCE, most_iterations=MOST
    )
    seconds = time.perf_counter() - start
    assert isinstance(gram.operator, Selected)
    whole = gram.operator.whole
    assert isinstance(whole, KroneckerSum)
    left, right = gram.factors
    np.savez(
        out,
        left=left,
        right=right,
        own=np.asarray(whole.blocks[0]) * float(whole.weights.mean()),
        mask=mask,
        targets=np.asarray(targets[:, 0]),
        ridge=noise,
        tolerance=TOLERANCE,
        kernels=kernels,
    )
    return {
        "kernels": kernels,
        "seconds": seconds,
        "residual": solution.residual,
        "products": int(solution.iterations.max()),
    }


def cholesky(matrix: np.ndarray) -> None:
    """A factor in the matrix's place, L L^T with L lower, by blocks if it is large."""
    n = len(matrix)
    if n < _EDGE:
        # LAPACK's upper factor of the transpose is the lower one in our order.
        scipy.linalg.cholesky(matrix.T, overwrite_a=True, check_finite=False)
        return
    for first in range(0, n, _BLOCK):
        last = min(first + _BLOCK, n)
        own = matrix[first:last, first:last]
        own[:] = scipy.linalg.cholesky(own, lower=True, check_finite=False)
        below = matrix[last:, first:last]
        below[:] = scipy.linalg.solve_triangular(
            own, below.T, lower=True, check_finite=False
        ).T
        for start in range(last, n, _BLOCK):
            some = slice(start, min(start + _BLOCK, n))
            matrix[start:, some] -= below[start - last :] @ matrix[some, first:last].T


def triangular(
    factor: np.ndarray, right: np.ndarray, *, transposed: bool
) -> np.ndarray:
    """The lower factor's inverse, or its transpose's, times a right side, by blocks."""
    n, answer = len(factor), right.copy()
    starts = range(0, n, _BLOCK)
    for first in reversed(starts) if transposed else starts:
        last = min(first + _BLOCK, n)
        own = factor[first:last, first:last]
        part = scipy.linalg.solve_triangular(
            own, answer[first:last], lower=True, trans=transposed, check_finite=False
        )
        answer[first:last] = part
        if transposed:
            answer[:first] -= factor[first:last, :first].T @ part
        else:
            answer[last:] -= factor[last:, first:last] @ part
    return answer


def dense(n: int, share: float, _: str) -> dict:
    """A Cholesky factor of the matrix in single precision."""
    x, z, mask, targets = masked(n, share)
    start = time.perf_counter()
    image, place = np.nonzero(mask)
    limit, every = hl.dual_limit(description()), (x[image], z[place])

    def rows(first: int) -> np.ndarray:
        some = slice(first, first + _ROWS)
        return np.asarray(limit.ntk((every[0][some], every[1][some]), every))

    # One matrix is all that is held.
    matrix = np.empty((len(image), len(image)), np.float32)
    for first in range(0, len(image), _ROWS):
        matrix[first : first + _ROWS] = rows(first)
    noise = RIDGE * float(matrix.diagonal().mean())
    matrix[np.diag_indices(len(matrix))] += noise
    kernels = time.perf_counter() - start
    cholesky(matrix)
    answer = np.asarray(targets)
    for transposed in (False, True):
        answer = triangular(matrix, answer, transposed=transposed)
    seconds = time.perf_counter() - start
    left = np.asarray(targets) - noise * answer
    for first in range(0, len(image), _ROWS):
        left[first : first + _ROWS] -= rows(first) @ answer
    residual = np.linalg.norm(left) / np.linalg.norm(targets)
    found = {"kernels": kernels, "seconds": seconds, "products": 0}
    return {**found, "residual": float(residual)}


def main() -> int:
    """Runs the rows; the exit status is 1 if --check finds a goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [26, 51, 102, 153, 255, 1000]
    parser.add_argument("--images", type=int, nargs="+", default=sizes)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--dense-values", type=int, default=60_000)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--row", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        name, n, share, out = options.row
        found = {"ours": ours, "dense": dense}[name](int(n), float(share), out)
        found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(found))
        return 0
    console = Console(width=110)
    table = Table(title=f"{options.share:.0%} of 784 pixels known, ridge {RIDGE}")
    for name in ("values", "solver", "kernels, s", "all, s", "/ ours"):
        table.add_column(name, justify="right")
    for name in ("true residual", "products", "GiB"):
        table.add_column(name, justify="right")
    slower: dict[str, list[tuple[int, float]]] = {}
    ended: set[str] = set()
    with TemporaryDirectory() as folder:
        for n in options.images:
            values = round(n * 784 * options.share)
            path = str(Path(folder, f"{n}.npz"))
            own = [sys.executable, __file__, "--row"]
            rest = [str(n), str(options.share), path]
            commands = {"ours": [*own, "ours", *rest]}
            if values <= options.dense_values:
                commands["dense Cholesky"] = [*own, "dense", *rest]
            if options.peer_python:
                peer = Path(__file__).with_name("scale_peer.py")
                commands["linear_operator"] = [options.peer_python, peer, path]
            first, limit = 0.0, 3600.0
            for name, command in commands.items():
                if name in ended:
                    continue
                found = _ran(command, limit)
                console.log(f"{values:,} {name}: {found}")
                if "seconds" not in found:
                    table.add_row(f"{values:,}", name, "", found["why"])
                    if found["why"] == _over(limit):
                        ended.add(name)
                        slower.setdefault(name, []).append((values, LARGEST))
                    continue
                if name == "ours":
                    first, limit = found["seconds"], LARGEST * found["seconds"]
                ratio = found["seconds"] / first
                slower.setdefault(name, []).append((values, ratio))
                table.add_row(
                    f"{values:,}",
                    name,
                    f"{found['kernels']:.1f}",
                    f"{found['seconds']:.1f}",
                    f"{ratio:.2f}",
                    f"{found['residual']:.1e}",
                    str(found["products"]),
                    f"{found['peak'] / 2**30:.1f}",
                )
    console.print(table)
    missed = False
    for name, rows in slower.items():
        if name == "ours":
            continue
        behind = [values for values, ratio in rows if values >= FROM and ratio < 1]
        values, ratio = rows[-1]
        missed |= bool(behind) or ratio < LARGEST
        console.print(
            f"{name}: {ratio:.1f} times ours or more at its largest, {values:,}"
        )
    return int(options.check and missed)


def _over(seconds: float) -> str:
    return f"over {seconds:.0f} s"


def _ran(command: list, seconds: float) -> dict:
    try:
        done = subprocess.run(
            list(map(str, command)),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"why": _over(seconds)}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended by {-done.returncode}"]
        return {"why": said[-1][:60]}
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", False)
    sys.exit(main())
