"""Settings that every regression shares, and their checks."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.errors import InputError

KINDS = ("ntk", "nngp")


def check_settings(kind: str, ridge: float, amplitude: float | str) -> None:
    """Raises an InputError for settings out of range."""
    if kind not in KINDS:
        raise InputError(f"kind={kind!r} is not a kernel: give 'ntk' or 'nngp'.")
    if not (isinstance(ridge, int | float) and 0 <= ridge < math.inf):
        raise InputError(
            f"ridge={ridge!r} must be finite and at least 0: it is the noise variance "
            "in units of the mean prior variance, often 1e-4 to 1e-1."
        )
    if amplitude != "ml" and not (
        isinstance(amplitude, int | float) and 0 < amplitude < math.inf
    ):
        raise InputError(
            f"amplitude={amplitude!r} must be positive and finite, or 'ml' to fit it."
        )


def checked_targets(
    targets: ArrayLike, count: int, dtype: jnp.dtype
) -> tuple[Float[Array, "n k"], bool]:
    """Targets as a matrix with a row an input, and whether they were a vector.

    Raises:
        InputError: for numbers that are not finite, or another number of rows.
    """
    check_finite("targets", np.asarray(targets))
    values = jnp.asarray(targets).astype(dtype)
    if values.ndim not in (1, 2) or len(values) != count or count == 0:
        raise InputError(
            f"targets have shape {values.shape} for {count} inputs: give (n,) or "
            "(n, k) with one row an input, and at least one input."
        )
    return values.reshape(count, -1), values.ndim == 1


def check_inputs_finite(inputs: PyTree) -> None:
    """Raises an InputError if x, or z beside it, holds what is not finite."""
    for name, leaf in zip("xz", jax.tree.leaves(inputs), strict=False):
        check_finite(name, np.asarray(leaf))


def check_finite(name: str, values: np.ndarray) -> None:
    """Raises an InputError that says where the first number is not finite."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        count = int(wrong.sum())
        which = "one number that is" if count == 1 else f"{count} numbers that are"
        raise InputError(
            f"{name} holds {which} not finite, the first at index {first}: leave those "
            "examples out or mend them."
        )


def fitted_amplitude(amplitude: float | str, quadratic: float, numbers: int) -> float:
    r"""The variance scale: given, or $y^T (K + \lambda I)^{-1} y / n$, its maximum
    likelihood estimate for a Gaussian process of covariance proportional to
    $K + \lambda I$.
    """
    if isinstance(amplitude, str):
        return quadratic / numbers
    return float(amplitude)
