"""What a solve needs to go on, and where it is kept."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._iteration import State


class System(NamedTuple):
    """What is solved: G v = b, with what is nearly the inverse of G."""

    operator: AbstractOperator
    preconditioner: AbstractOperator | None
    right: Float[Array, "n c"]


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
    def restored(self, system: System, first: Stage) -> Stage | None:
        """The latest stage of this system, in the shapes and placement of the first.

        None if nothing is kept yet.
        """

    @abstractmethod
    def keep(self, stage: Stage) -> None:
        """Called after every chunk."""

    @abstractmethod
    def finish(self, last: Stage | None) -> None:
        """Called once, however a solve ends; when it returns, all is kept.

        With the last stage, if that is worth going on from: the system is solved, or
        more iterations would be needed than were allowed.
        """
