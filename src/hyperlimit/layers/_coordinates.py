"""Raw coordinates as inputs."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Array, Float

from hyperlimit.layers._base import Size
from hyperlimit.layers._inputs import (
    AbstractInputs,
    LinearRows,
    linear_diagonal_state,
    linear_gram_state,
    linear_rows,
)
from hyperlimit.layers._kernel_state import KernelState


@final
@dataclass(frozen=True)
class Coordinates(AbstractInputs):
    """Inputs as they are: K = z.z' / d."""

    @property
    def rank(self) -> int:
        """The number of axes of one input."""
        return 1

    def out_size(self, in_size: Size) -> Size:
        """The number of features for a number of coordinates."""
        return in_size

    def draw(self, in_size: Size, key: Array) -> Array | None:
        """The fixed random numbers of the finite map: none."""
        del in_size, key

    def apply(
        self, fixed: Array | None, inputs: Float[Array, " d"]
    ) -> Float[Array, " d"]:
        """The finite feature map on one input."""
        del fixed
        return inputs

    def prepare(self, a: Float[Array, "n d"]) -> LinearRows:
        """The rows as lengths and directions."""
        return linear_rows(a)

    def gram_state(self, a: LinearRows, b: LinearRows) -> KernelState:
        """The kernels of the features for all pairs of prepared rows."""
        return linear_gram_state(a, b)

    def diagonal_state(self, a: LinearRows) -> KernelState:
        """The kernels of the features for each prepared row with itself."""
        return linear_diagonal_state(a)
