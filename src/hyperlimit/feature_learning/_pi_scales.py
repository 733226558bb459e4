"""Factors of the layers of a network of rectifiers."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Scales:
    """Numbers of a network of depth D, weight layer by weight layer.

    Attributes:
        weight_stds: what multiplies the weights.
        bias_stds: what multiplies the biases; zero for none.
        gains: what multiplies the rectifiers, D - 1.
        rates: what multiplies the learning rate.
    """

    weight_stds: tuple[float, ...]
    bias_stds: tuple[float, ...]
    gains: tuple[float, ...]
    rates: tuple[float, ...]

    @property
    def depth(self) -> int:
        """How many weight layers there are."""
        return len(self.weight_stds)
