"""One array of a primary network that a hypernetwork writes."""

import math
from dataclasses import dataclass
from typing import Literal

Role = Literal["weight", "bias", "scale"]


@dataclass(frozen=True)
class GeneratedParameter:
    r"""What an initialisation needs to know of a generated array.

    Attributes:
        name: its path in the primary network, such as "layers[0].weight".
        shape: its shape.
        role: "weight" for what multiplies a layer's inputs, "bias" for what is added
            beside such weights, "scale" for all else, which acts around its own value.
        fan_in, fan_out: of the layer that the array belongs to.
        gain: $c$, 2 before a ReLU and 1 before nothing.
        biased: whether the bias of the same layer is generated too.
        dtype: the type of its entries.
    """

    name: str
    shape: tuple[int, ...]
    role: Role = "weight"
    fan_in: int = 1
    fan_out: int = 1
    gain: float = 1.0
    biased: bool = False
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """How many numbers the array holds."""
        return math.prod(self.shape)
