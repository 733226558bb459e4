"""Regressions on images x coordinates that one process has begun, and new ones.

python grid_regression.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import strict  # noqa: F401

from hyperlimit.distributed import session
from laws.grid_cases import CASES, begun, solved

folder = Path(sys.argv[1])
with session() as rank:
    for case in CASES:
        fit, told = solved(case, folder / f"one_{case}")
        found = {"weights": fit.weights, "told": np.asarray(told)}
        np.savez(folder / f"{case}_{rank.number}.npz", **found)
        begun(case, folder / f"two_{case}")
