"""Grid regressions that are ended in their middle, on any number of processes."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

import hyperlimit as hl
from hyperlimit.linalg.checkpoints import Checkpoints
from regression.problems import grid

# Nine images are not dealt out evenly, and each solve is more than one chunk.
IMAGES = 9
KNOWN = np.random.default_rng(1).uniform(size=(IMAGES, 16)) < 0.7
CASES = {"complete": None, "incomplete": KNOWN}
TOLERANCE = {"float64": 1e-9, "float32": 1e-6}

# Shallow, because each process compiles it.
LIMIT = hl.dual_limit(
    hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=8),
        primary=hl.mlp(
            depth=2, width=8, out=1, inputs=hl.FourierFeatures(bandwidth=1.5)
        ),
    )
)


class EndedError(Exception):
    """Raised in the middle of a solve."""


def solved(case: str, folder: Path | None = None, chunks: int | None = None):
    """The fit, and the iterations that were told of; ended after so many chunks."""
    x, z, y = grid(images=IMAGES)
    told = []

    def progress(used, residual):
        told.append(used)
        if chunks is not None and len(told) > chunks:
            raise EndedError

    fit = hl.regress_grid(
        LIMIT,
        *(x, z, y),
        known=CASES[case],
        ridge=1e-3,
        solver="iterative",
        tolerance=TOLERANCE[str(jnp.zeros(()).dtype)],
        progress=progress,
        keeper=None if folder is None else Checkpoints(folder, seconds=0.0),
    )
    return fit, told


def begun(case: str, folder: Path) -> None:
    """Leaves a folder of the first chunk's stage."""
    try:
        solved(case, folder, chunks=1)
    except EndedError:
        return
    raise AssertionError("the solve was over before it was ended")
