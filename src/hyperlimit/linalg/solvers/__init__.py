"""Solving with operators: conjugate gradients, preconditioners, spectra."""

from hyperlimit.linalg.solvers._choice import Preconditioner, preconditioner_for
from hyperlimit.linalg.solvers._conjugate_gradients import (
    Progress,
    Solution,
    conjugate_gradients,
)
from hyperlimit.linalg.solvers._coordinate_modes import (
    CoordinateModes,
    coordinate_modes,
)
from hyperlimit.linalg.solvers._gaussian_samples import gaussian_samples
from hyperlimit.linalg.solvers._kronecker_inverse import (
    KroneckerInverse,
    kronecker_inverse,
)
from hyperlimit.linalg.solvers._log_determinant import (
    LogDeterminant,
    log_determinant,
)
from hyperlimit.linalg.solvers._low_rank_inverse import LowRankInverse, low_rank_inverse
from hyperlimit.linalg.solvers._pivoted_cholesky import PartialFactor, pivoted_cholesky
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner
from hyperlimit.linalg.solvers._stage import AbstractKeeper, Stage, System

__all__ = [
    "AbstractKeeper",
    "AbstractPreconditioner",
    "CoordinateModes",
    "KroneckerInverse",
    "LogDeterminant",
    "LowRankInverse",
    "PartialFactor",
    "Preconditioner",
    "Progress",
    "Solution",
    "Stage",
    "System",
    "conjugate_gradients",
    "coordinate_modes",
    "gaussian_samples",
    "kronecker_inverse",
    "log_determinant",
    "low_rank_inverse",
    "pivoted_cholesky",
    "preconditioner_for",
]
