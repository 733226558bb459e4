"""A solve on ranks that keeps its own stages, ended by a signal in its middle.

python kept_solve.py FOLDER [SIGNAL RANK ITERATIONS]
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import strict
from staged_solve import IMAGES, RIDGE, right_side, whole_operator

from hyperlimit.distributed import session
from hyperlimit.linalg.checkpoints import Checkpoints
from hyperlimit.linalg.operators import Shifted
from hyperlimit.linalg.sharded import ImageRows, image_mesh, shard_kronecker_sum
from hyperlimit.linalg.solvers import conjugate_gradients
from laws.sharded_cases import floats

folder = Path(sys.argv[1])
what, where, when = [*sys.argv[2:], "none", "-1", "-1"][:3]
with session() as rank:
    layout = ImageRows(image_mesh(), IMAGES)
    total = shard_kronecker_sum(whole_operator(), layout)
    seen = []

    def progress(done, worst):
        seen.append(done)
        if rank.attempt == 0 and rank.number == int(where) and done >= int(when):
            os.kill(os.getpid(), getattr(signal, what))

    found = conjugate_gradients(
        Shifted(total, floats(RIDGE)),
        layout.scattered(right_side()),
        tolerance={"float64": 1e-11, "float32": 1e-4}[strict.PRECISION],
        chunk=4,
        progress=progress,
        keeper=Checkpoints(folder / "stages", seconds=0.0),
    )
    answer = layout.gathered(found.vectors)
    if rank.first:
        np.save(folder / "answer.npy", answer)
        print(f"the first chunk ended at iteration {seen[0]}")
