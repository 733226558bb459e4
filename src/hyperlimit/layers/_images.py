"""Images as inputs."""

from dataclasses import dataclass
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from hyperlimit.activations import GaussianPair
from hyperlimit.layers._base import Size
from hyperlimit.layers._inputs import AbstractInputs
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._spatial_state import SpatialState
from hyperlimit.numerics import clipped, safe_ratio


class ImageRows(eqx.Module):
    """At every position the root mean square over channels, and the direction."""

    std: Float[Array, "..."]
    direction: Float[Array, "... c"]


@final
@dataclass(frozen=True)
class Images(AbstractInputs):
    r"""Images (height, width, channels): $K(p, p') = x(p) \cdot y(p') / c$.

    For networks of convolutions and pooling, until `Flatten` or `GlobalAveragePool`
    makes vectors of them.

    Args:
        all_pairs: whether kernels compare all pairs of positions or only equal ones.
            A network sets it where it pools; the finite map does not read it.
    """

    all_pairs: bool = False

    @property
    def rank(self) -> int:
        """The number of axes of one input."""
        return 3

    def out_size(self, in_size: Size) -> Size:
        """The size that the first layer reads: as the inputs."""
        return in_size

    def draw(self, in_size: Size, key: Array) -> Array | None:
        """The fixed random numbers of the finite map: none."""
        del in_size, key

    def apply(
        self, fixed: Array | None, inputs: Float[Array, "h w c"]
    ) -> Float[Array, "h w c"]:
        """The finite feature map on one input."""
        del fixed
        return inputs

    def prepare(self, a: Num[Array, "n h w c"]) -> ImageRows:
        """The images as deviations and directions at every position."""
        # In units of the largest entry of an image, so that no square overflows.
        sizes = jnp.abs(jax.lax.stop_gradient(a))
        top = jnp.max(sizes, axis=(1, 2, 3), keepdims=True)
        scaled = safe_ratio(a, top)
        std = jnp.sqrt(jnp.mean(scaled**2, axis=-1, keepdims=True))
        channels = a.shape[-1] ** 0.5
        direction = safe_ratio(scaled, std * channels)
        return ImageRows((std * top)[..., 0], direction)

    def gram_state(self, a: ImageRows, b: ImageRows) -> SpatialState:
        """The kernels of all pairs of images, at equal or all pairs of positions."""
        if not self.all_pairs:
            return SpatialState(
                _state(
                    ImageRows(a.std[:, None], a.direction[:, None]),
                    ImageRows(b.std[None], b.direction[None]),
                )
            )
        xs, ys = _first(a), _second(b)
        cross = _state(_row(xs), _column(ys))
        own_x = _state(_row(xs), _row(_second(a)))
        own_y = _state(_column(_first(b)), _column(ys))
        return SpatialState(cross, (own_x, own_y))

    def diagonal_state(self, a: ImageRows) -> SpatialState:
        """The kernels of each image with itself."""
        if not self.all_pairs:
            return SpatialState(_state(a, a))
        own = _state(_first(a), _second(a))
        return SpatialState(own, (own, own))


def _first(a: ImageRows) -> ImageRows:
    """On the axes of the first position of a pair."""
    return ImageRows(a.std[..., None, None], a.direction[:, :, :, None, None])


def _second(a: ImageRows) -> ImageRows:
    """On the axes of the second position of a pair."""
    return ImageRows(a.std[:, None, None], a.direction[:, None, None])


def _row(a: ImageRows) -> ImageRows:
    return ImageRows(a.std[:, None], a.direction[:, None])


def _column(a: ImageRows) -> ImageRows:
    return ImageRows(a.std[None], a.direction[None])


def _state(a: ImageRows, b: ImageRows) -> KernelState:
    """K and no T; half the squared distance of directions is the gap."""
    gap = jnp.sum((a.direction - b.direction) ** 2, axis=-1) / 2
    gap = clipped(gap, high=2.0)
    return KernelState.of_inputs(GaussianPair(a.std, b.std, gap))
