"""What a network reads: raw coordinates, or features of them."""

from abc import ABC, abstractmethod

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from hyperlimit.activations import GaussianPair, diagonal_pair
from hyperlimit.layers._base import Size
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._spatial_state import SpatialState
from hyperlimit.linalg import Rows, gaps, rows


class AbstractInputs(ABC):
    """How inputs enter a network: a finite feature map, and its kernel."""

    @property
    @abstractmethod
    def rank(self) -> int:
        """The number of axes of one input."""

    @abstractmethod
    def out_size(self, in_size: Size) -> Size:
        """The size that the first layer reads for a size of the inputs."""

    @abstractmethod
    def draw(self, in_size: Size, key: Array) -> Array | None:
        """The fixed random numbers of the finite map, if it has any."""

    @abstractmethod
    def apply(
        self, fixed: Array | None, inputs: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The finite feature map on one input."""

    @abstractmethod
    def prepare(self, a: Float[Array, "n ..."]) -> PyTree:
        """What the kernels need of each row: arrays with a leading axis of n."""

    @abstractmethod
    def gram_state(self, a: PyTree, b: PyTree) -> KernelState | SpatialState:
        """The kernels of the features for all pairs of prepared rows, (n, m)."""

    @abstractmethod
    def diagonal_state(self, a: PyTree) -> KernelState | SpatialState:
        """The kernels of the features for each prepared row with itself, (n,)."""


class LinearRows(eqx.Module):
    """Rows whose kernel is K = a.b / d."""

    rows: Rows
    std: Float[Array, " n"]


def linear_rows(a: Float[Array, "n d"]) -> LinearRows:
    """Prepares rows for the linear kernel."""
    split = rows(a)
    return LinearRows(split, split.length * a.shape[1] ** -0.5)


def linear_gram_state(a: LinearRows, b: LinearRows) -> KernelState:
    """K = a.b / d and T = 0, for all pairs of rows."""
    pair = GaussianPair(a.std[:, None], b.std[None, :], gaps(a.rows, b.rows))
    return KernelState.of_inputs(pair)


def linear_diagonal_state(a: LinearRows) -> KernelState:
    """K = |a|^2 / d and T = 0, for each row with itself."""
    return KernelState.of_inputs(diagonal_pair(a.std))
