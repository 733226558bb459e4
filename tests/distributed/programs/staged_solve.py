"""A linear system solved by ranks, in stages whose answers are kept.

    python staged_solve.py FOLDER [SIGNAL RANK STAGE]

In the first life of the gang, the rank gets the signal in the middle of the stage.
"""

import os
import signal
import sys
from pathlib import Path

import jax
import numpy as np
import strict

from hyperlimit.distributed import Watchdog, barrier, initialize, session
from hyperlimit.linalg.operators import KroneckerSum, Shifted, StreamedTerms
from hyperlimit.linalg.sharded import (
    ImageRows,
    image_mesh,
    shard_kronecker_sum,
    sharded_kronecker_inverse,
)
from hyperlimit.linalg.solvers import conjugate_gradients
from laws.sharded_cases import floats, smooth_problem

IMAGES, PLACES, RIDGE, STAGES = 41, 6, 1e-3, 4
# Of the residual, in one stage.
FACTOR = {"float64": 1e-4, "float32": 1e-2}[strict.PRECISION]


def right_side():
    draw = np.random.default_rng(5).standard_normal((IMAGES * PLACES, 2))
    return draw.astype(floats(0.0).dtype)


def whole_operator():
    parts, source = smooth_problem(IMAGES, PLACES)
    return KroneckerSum(StreamedTerms(source, 8), *map(floats, parts[1:]))


def solved(folder, what=None, where=-1, when=-1, silence=20.0):
    """The answer on every rank, and the stage that this life began with."""
    rank = initialize()
    layout = ImageRows(image_mesh(), IMAGES)
    total = shard_kronecker_sum(whole_operator(), layout)
    system = Shifted(total, floats(RIDGE))
    inverse = sharded_kronecker_inverse(total, RIDGE, 6)
    kept, answer, begun = folder / "kept.npz", np.zeros_like(right_side()), 0
    if kept.exists():
        with np.load(kept) as found:
            answer, begun = found["answer"], int(found["stage"])
    residual = jax.jit(lambda system, b, v: b - system.matmat(v))
    right = layout.scattered(right_side())
    with Watchdog(silence) as watch:
        for stage in range(begun, STAGES):

            def progress(done, worst, stage=stage):
                watch.progress(done, worst)
                if (rank.attempt, rank.number, stage) == (0, where, when):
                    os.kill(os.getpid(), getattr(signal, what))

            left = residual(system, right, layout.scattered(answer))
            found = conjugate_gradients(
                system, left, inverse, tolerance=FACTOR, chunk=3, progress=progress
            )
            answer = answer + layout.gathered(found.vectors)
            if rank.first:
                part = folder / "part.npz"
                np.savez(part, stage=stage + 1, answer=answer)
                part.replace(kept)
            barrier(f"stage {stage}", silence)
    return answer, begun


if __name__ == "__main__":
    with session() as this:
        given = [sys.argv[2], *map(int, sys.argv[3:])] if sys.argv[2:] else []
        silence = float(os.environ.get("SILENCE", "20"))
        _, first = solved(Path(sys.argv[1]), *given, silence=silence)
        print(f"rank {this.number} began with stage {first}")
