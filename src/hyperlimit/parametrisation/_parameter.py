"""One array of a network, before it has values."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """The name, shape and scale of one trainable array.

    In the forward pass its entries act with standard deviation
    `std / sqrt(fan_in)` at birth, in every parametrisation.
    """

    name: str
    shape: tuple[int, ...]
    std: float
    fan_in: int

    @property
    def size(self) -> int:
        """How many numbers the array holds."""
        return math.prod(self.shape)
