"""What training is given, checked."""

import numpy as np
from jaxtyping import Array

from hyperlimit.errors import InputError
from hyperlimit.linalg import is_traced


def check_finite(name: str, given: Array) -> None:
    """Raises an InputError for numbers that are not finite, where they are known."""
    if not is_traced(given) and not np.isfinite(np.asarray(given)).all():
        raise InputError(
            f"{name} holds numbers that are not finite: leave those examples out or "
            "mend them."
        )


def check_count(name: str, given: int, most: int | None = None) -> None:
    """Raises an InputError for what is no whole number from 1 to `most`."""
    whole = isinstance(given, int) and not isinstance(given, bool) and given >= 1
    if not whole or (most is not None and given > most):
        upto = "of at least 1" if most is None else f"from 1 to {most}"
        raise InputError(f"{name}={given!r} was given: give a whole number {upto}.")
