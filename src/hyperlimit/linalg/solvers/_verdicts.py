"""What conjugate gradients make of the numbers that they meet."""

import numpy as np
from jaxtyping import Float

from hyperlimit.errors import InputError

# Within a cycle r^T M^{-1} r may grow by the condition of the preconditioned system,
# which is not this many times 1 / eps.
_DIVERGED = 1e3


def check_finite_and_definite(
    sizes: Float[np.ndarray, " c"], lowest: float, used: int
) -> None:
    if not np.isfinite(sizes).all():
        raise InputError(
            f"the linear system is not finite after {used} iterations: scale the "
            "data, or raise the ridge."
        )
    if not lowest > 0:
        raise InputError(
            f"the matrix is not positive definite (curvature {lowest:.1e} within "
            f"{used} iterations): raise the ridge, lower atol, or use float64."
        )


def check_growth(ratios: Float[np.ndarray, "k c"], epsilon: float, used: int) -> None:
    """Of r^T M^{-1} r since the cycle began, the product of its ratios."""
    growth = np.nanmax(np.abs(np.nanprod(ratios, axis=0)), initial=0.0)
    if growth > _DIVERGED / epsilon:
        raise InputError(
            f"conjugate gradients diverge: the residual has grown {growth**0.5:.1e} "
            f"times after {used} iterations, more than in any symmetric system that "
            "this precision can solve: raise the ridge, or use float64."
        )


def condition_of(record: Float[np.ndarray, "k 2 c"]) -> float:
    """Ritz values' largest over smallest, of the column that went on longest."""
    if not len(record):
        return 1.0
    lengths, ratios = record[:, 0], record[:, 1]
    column = int(np.argmax(np.isfinite(lengths).sum(axis=0)))
    alpha, beta = lengths[:, column], ratios[:, column]
    alpha, beta = alpha[np.isfinite(alpha)], beta[np.isfinite(alpha)]
    diagonal = 1 / alpha
    diagonal[1:] += beta[:-1] / alpha[:-1]
    off = np.sqrt(np.maximum(beta[:-1], 0)) / alpha[:-1]
    values = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    return float(values[-1] / max(values[0], 1e-300))


def check_end(
    true: np.ndarray,
    used: np.ndarray,
    tolerance: float,
    most_iterations: int,
    condition: float,
    descent: np.ndarray,
) -> None:
    worst = float(true.max(initial=0.0))
    if worst <= tolerance:
        return
    where = (
        f"a relative residual of {worst:.1e} after {used.max()} iterations (condition "
        f"at least {condition:.1e}), and {tolerance:.1e} was asked for"
    )
    if used.max() >= most_iterations:
        raise InputError(
            f"conjugate gradients stand at {where}: allow more iterations, or raise "
            "the ridge."
        )
    rested = descent[(true > tolerance) & (descent < 0)]
    if len(rested):
        raise InputError(
            "the preconditioner is not positive definite (r^T M^-1 r = "
            f"{rested.min():.1e}), and conjugate gradients stand at {where}: raise the "
            "ridge, or use float64."
        )
    raise InputError(
        f"conjugate gradients stagnate at {where}: that is the rounding of the "
        "products, so ask for less, raise the ridge, or use float64."
    )
