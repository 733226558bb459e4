"""Solving with operators: conjugate gradients, preconditioners, spectra."""

from hyperlimit.linalg.solvers._choice import Preconditioner, preconditioner_for
from hyperlimit.linalg.solvers._conjugate_gradients import (
    Progress,
    Solution,
    conjugate_gradients,
)
from hyperlimit.linalg.solvers._mode_inverse import ModeInverse, mode_inverse
from hyperlimit.linalg.solvers._pivoted_cholesky import (
    LowRankInverse,
    PartialFactor,
    low_rank_inverse,
    pivoted_cholesky,
)

__all__ = [
    "LowRankInverse",
    "ModeInverse",
    "PartialFactor",
    "Preconditioner",
    "Progress",
    "Solution",
    "conjugate_gradients",
    "low_rank_inverse",
    "mode_inverse",
    "pivoted_cholesky",
    "preconditioner_for",
]
