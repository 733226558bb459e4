"""What is known of a training from outside."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import PyTree


@dataclass
class Record:
    """The course of a training so far.

    Attributes:
        step: how many are done.
        losses: of each step, before it.
        validation: (step, loss) of each look.
        best: the trained arrays at the least validation loss, if there was one.
        best_step: their step.
        stale: looks since then.
        seconds: that earlier runs took.
    """

    step: int = 0
    losses: list[np.ndarray] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best: PyTree = None
    best_step: int = 0
    stale: int = 0
    seconds: float = 0.0

    def improves(self, loss: float) -> bool:
        """Notes a validation loss; whether it is the least so far."""
        least = min((other for _, other in self.validation), default=np.inf)
        self.validation.append((self.step, loss))
        if loss < least:
            self.best_step, self.stale = self.step, 0
            return True
        self.stale += 1
        return False
