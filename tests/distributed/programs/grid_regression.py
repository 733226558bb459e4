"""A regression on images x coordinates, its products shared by ranks.

python grid_regression.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import strict  # noqa: F401

import hyperlimit as hl
from hyperlimit.distributed import session
from regression.problems import grid, hypernetwork

folder = Path(sys.argv[1])
with session() as rank:
    x, z, y = grid(images=9)
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    fit = hl.regress_grid(limit, x, z, y, ridge=0.05, tolerance=1e-4)
    np.save(folder / f"weights_{rank.number}.npy", fit.weights)
    np.save(folder / f"mean_{rank.number}.npy", fit.mean(x[:2]))
