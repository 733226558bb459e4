"""A grid regression before it is solved, and what a solver returns."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hyperlimit.regression._grid_factors import Cross, Metas, prior_variance

Progress = Callable[[int, float], None]


class GridProblem(NamedTuple):
    """Which values of which functions are known, and how they vary together.

    Attributes:
        metas: the kernel.
        x: meta-inputs, (n, d) or images (n, h, w, c).
        z: coordinates, (p, d_z).
        known: which of the n p values are known.
        ridge: the noise variance in units of the mean prior variance.
        tolerance: on the relative residual.
    """

    metas: Metas
    x: Float[Array, "n ..."]
    z: Float[Array, "p dz"]
    known: Bool[np.ndarray, "n p"]
    ridge: float
    tolerance: float

    @property
    def noise(self) -> float:
        """The noise variance in units of the kernel."""
        return self.ridge * float(jnp.mean(prior_variance(self.metas, self.z)))


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
