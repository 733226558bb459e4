"""Solving with operators: conjugate gradients, preconditioners, spectra."""

from hyperlimit.linalg.solvers._choice import Preconditioner, preconditioner_for
from hyperlimit.linalg.solvers._conjugate_gradients import (
    Progress,
    Solution,
    conjugate_gradients,
)
from hyperlimit.linalg.solvers._kronecker_inverse import (
    KroneckerInverse,
    diagonals,
    kronecker_inverse,
    principal,
)
from hyperlimit.linalg.solvers._pivoted_cholesky import (
    LowRankInverse,
    PartialFactor,
    low_rank_inverse,
    pivoted_cholesky,
)
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner
from hyperlimit.linalg.solvers._stage import AbstractKeeper, Stage

__all__ = [
    "AbstractKeeper",
    "AbstractPreconditioner",
    "KroneckerInverse",
    "LowRankInverse",
    "PartialFactor",
    "Preconditioner",
    "Progress",
    "Solution",
    "Stage",
    "conjugate_gradients",
    "diagonals",
    "kronecker_inverse",
    "low_rank_inverse",
    "pivoted_cholesky",
    "preconditioner_for",
    "principal",
]
