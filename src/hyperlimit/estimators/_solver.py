"""Whether a table is solved as a matrix, as a grid, or as pairs by iteration."""

from typing import Any

import numpy as np
from jaxtyping import Float

from hyperlimit.errors import InputError
from hyperlimit.estimators._dense_fit import DenseFit
from hyperlimit.estimators._grid_fit import GridFit
from hyperlimit.estimators._pairs import PairGrid, Pairs
from hyperlimit.limits import DualLimit
from hyperlimit.regression import DENSE_VALUES

SOLVERS = ("auto", "dense", "grid", "iterative")
# The least part of a grid that a table must fill: an iteration pays for all of it.
_FILLED = 0.1
# Terms of the kernel's expansion, about.
_TERMS = 10


def fitted(
    limit: DualLimit,
    pairs: Pairs,
    targets: Float[np.ndarray, "m k"],
    *,
    solver: str,
    tolerance: float,
    amplitude: float | str,
    **settings: Any,
) -> DenseFit | GridFit:
    """Fits by the solver that is named, or by the one that suits the table.

    Raises:
        InputError: for an unknown solver, or pairs that are there twice on a grid.
    """
    if solver not in SOLVERS:
        raise InputError(
            f"solver={solver!r} is not known: give one of {', '.join(SOLVERS)}."
        )
    if isinstance(amplitude, str) and not targets.any():
        # Nothing to estimate it from.
        amplitude = 1.0
    settings["amplitude"] = amplitude
    # Up to here the dense factor is as fast as anything, and exact.
    if solver == "dense" or (solver == "auto" and len(targets) <= DENSE_VALUES):
        return DenseFit.of(limit, pairs, targets, **settings)
    grid = PairGrid.of(pairs)
    if solver == "iterative" or (solver == "auto" and not _suits_a_grid(grid)):
        return GridFit.scattered(limit, grid, targets, tolerance=tolerance, **settings)
    if grid.has_duplicates:
        raise InputError(
            "solver='grid' was given a table in which a pair (x, z) comes twice: "
            "leave duplicates out, or use solver='dense'."
        )
    return GridFit.of(limit, grid, targets, tolerance=tolerance, **settings)


def _suits_a_grid(grid: PairGrid) -> bool:
    """Whether the grid is filled, and its factors are less than the dense matrix."""
    (n, p), rows = grid.shape, len(grid.image)
    worthwhile = _TERMS * (n * n + p * p) < rows * rows
    return worthwhile and rows >= _FILLED * n * p and not grid.has_duplicates
