"""What a solve needs to go on, and where it is kept."""

from abc import ABC, abstractmethod

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.linalg.solvers._iteration import State


class Stage(eqx.Module):
    """Between two chunks: everything that the next ones need.

    Attributes:
        answer: before the cycle's correction, in the right-hand side's precision.
        true: relative residuals at the start of the cycle.
        state: of the cycle.
        record: step lengths and ratios of the cycle's iterations, NaN where a column
            stood still.
        condition: the largest seen in earlier cycles.
    """

    answer: Float[Array, "n c"]
    true: Float[np.ndarray, " c"]
    state: State
    record: Float[np.ndarray, "k 2 c"]
    condition: float


class AbstractKeeper(ABC):
    """Where stages are kept, so that a solve that was ended goes on."""

    @abstractmethod
    def restored(self, first: Stage) -> Stage | None:
        """The latest stage, in the shape and placement of the first one."""

    @abstractmethod
    def keep(self, stage: Stage, iterations: int) -> None:
        """Called after every chunk."""
