"""A solve that is kept in a folder, as a process of its own that can be killed."""

import os
import signal
import time
from pathlib import Path
from typing import final

import jax
import jax.numpy as jnp
import numpy as np

from hyperlimit.linalg.checkpoints import Checkpoints
from hyperlimit.linalg.operators import Dense, Shifted
from hyperlimit.linalg.solvers import AbstractKeeper, conjugate_gradients

SIZE, COLUMNS, CHUNK = 160, 3, 4


def system():
    draw = np.random.default_rng(3)
    q = np.linalg.qr(draw.standard_normal((SIZE, SIZE)))[0]
    matrix = q @ np.diag(np.geomspace(1e-2, 1, SIZE)) @ q.T
    right = draw.standard_normal((SIZE, COLUMNS))
    operator = Shifted(Dense(jnp.asarray(matrix, float)), jnp.asarray(1e-3, float))
    return operator, jnp.asarray(right, float)


def solved(progress, keeper=None):
    operator, right = system()
    # In single precision that is more than one cycle.
    tolerance = 1e-9 if right.dtype == np.float64 else 2e-5
    return conjugate_gradients(
        operator,
        right,
        tolerance=tolerance,
        chunk=CHUNK,
        progress=progress,
        keeper=keeper,
    )


@final
class Killing(AbstractKeeper):
    """Ends the process while a stage is half written: not the first that it sees."""

    def __init__(self, folder, keeper, met):
        self.folder, self.keeper, self.met, self.seen = Path(folder), keeper, met, set()

    def restored(self, system, first):
        return self.keeper.restored(system, first)

    def keep(self, stage):
        self.keeper.keep(stage)
        here = {path.name for path in self.folder.iterdir() if "tmp" in path.name}
        self.seen |= here
        if here and len(self.seen) == self.met:
            os.kill(os.getpid(), signal.SIGKILL)

    def finish(self, last):
        self.keeper.finish(last)


def run(folder, compiled, double, met, told):
    """The process: tells of every chunk, and writes its answer to FOLDER.npy."""
    jax.config.update("jax_enable_x64", double)
    jax.config.update("jax_compilation_cache_dir", compiled)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

    def progress(used, residual):
        told.send(used)
        # Long enough that a kill from outside meets the solve.
        time.sleep(0.02)

    keeper = Checkpoints(folder, seconds=0.0)
    if met:
        keeper = Killing(folder, keeper, met)
    found = solved(progress, keeper)
    np.save(folder + ".npy", np.asarray(found.vectors))
