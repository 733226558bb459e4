"""Solving with operators: conjugate gradients, preconditioners, spectra."""

from hyperlimit.linalg.solvers._conjugate_gradients import (
    Progress,
    Solution,
    conjugate_gradients,
)
from hyperlimit.linalg.solvers._mode_inverse import ModeInverse, mode_inverse

__all__ = [
    "ModeInverse",
    "Progress",
    "Solution",
    "conjugate_gradients",
    "mode_inverse",
]
