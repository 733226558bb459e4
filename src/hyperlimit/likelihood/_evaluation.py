"""The log likelihood at one choice of numbers, with its slopes."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Evaluation(NamedTuple):
    """At one theta.

    Attributes:
        value, error: the log likelihood and its standard error, zero if it is exact.
        slopes: in theta.
        amplitude: the likeliest.
        settled: whether the estimate is one up to its standard error.
    """

    value: float
    error: float
    slopes: Float[np.ndarray, " t"]
    amplitude: float
    settled: bool = True


class AbstractObjective(ABC):
    """The log likelihood as a function of theta."""

    @abstractmethod
    def __call__(self, theta: Float[np.ndarray, " t"]) -> Evaluation:
        """The value and its slopes."""
