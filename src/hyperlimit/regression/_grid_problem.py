"""A grid regression before it is solved, and what a solver returns."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hyperlimit.limits import DualLimit
from hyperlimit.regression._grid_factors import Cross, prior_variance

Progress = Callable[[int, float], None]


class GridProblem(NamedTuple):
    """Which values of which functions are known, and how they vary together.

    Attributes:
        limit, kind: the kernel.
        x: meta-inputs of one length, (n, d).
        z: coordinates, (p, d_z).
        known: which of the n p values are known.
        ridge: the noise variance in units of the mean prior variance.
        tolerance: on the relative residual.
    """

    limit: DualLimit
    kind: str
    x: Float[Array, "n d"]
    z: Float[Array, "p dz"]
    known: Bool[np.ndarray, "n p"]
    ridge: float
    tolerance: float

    @property
    def noise(self) -> float:
        """The noise variance in units of the kernel."""
        return self.ridge * float(
            jnp.mean(prior_variance(self.limit, self.kind, self.z))
        )


class Report(NamedTuple):
    """How a grid regression was solved."""

    method: str
    terms: int
    expansion_error: float
    iterations: int
    residual: float


class Solved(eqx.Module):
    """What is left of a solve, for the variance."""

    @abstractmethod
    def explained(self, cross: Cross, exact: bool) -> Float[Array, "m q"]:
        """k^T (K + noise)^{-1} k for every new image and coordinate."""


Outcome = tuple[Solved, Float[Array, "n p k"], Report]
