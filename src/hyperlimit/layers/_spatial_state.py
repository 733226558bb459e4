"""What is carried through the layers of a network that reads images."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers._kernel_state import KernelState


class SpatialState(eqx.Module):
    """The kernels between positions of one image and positions of another.

    Two modes. Without `own`, only equal positions are compared: arrays end in
    (height, width), which is all that convolutions and `Flatten` need. With `own`, all
    pairs of positions: arrays end in (height, width, height, width), the positions of
    x first, and `own` holds the same kernels of x with itself and of y with itself,
    which pooling needs for its deviations.

    Leading axes are those of any `KernelState`: (n, m), with std_x (n, 1) and std_y
    (1, m), or (n,).
    """

    cross: KernelState
    own: tuple[KernelState, KernelState] | None = None

    @property
    def paired(self) -> bool:
        """Whether all pairs of positions are compared."""
        return self.own is not None

    @property
    def axes_x(self) -> tuple[int, int]:
        """The axes of the positions of x."""
        return (-4, -3) if self.paired else (-2, -1)

    @property
    def axes_y(self) -> tuple[int, int]:
        """The axes of the positions of y."""
        return (-2, -1)

    def everywhere(
        self, change: Callable[[KernelState], KernelState]
    ) -> "SpatialState":
        """The same change to the kernels of x with y, and of each with itself."""
        if self.own is None:
            return SpatialState(change(self.cross))
        own_x, own_y = self.own
        return SpatialState(change(self.cross), (change(own_x), change(own_y)))

    def plus(self, other: "SpatialState") -> "SpatialState":
        """A sum with independent random functions: all kernels add."""
        cross = self.cross.plus(other.cross)
        if self.own is None or other.own is None:
            return SpatialState(cross)
        own_x, own_y = (a.plus(b) for a, b in zip(self.own, other.own, strict=True))
        return SpatialState(cross, (own_x, own_y))

    def equal_positions(self) -> "SpatialState":
        """Only equal positions of all pairs."""
        if not self.paired:
            return self
        pair = self.cross.pair
        kept = GaussianPair(
            pair.std_x[..., 0, 0],
            pair.std_y[..., 0, 0, :, :],
            at_equal_positions(pair.gap),
        )
        return SpatialState(KernelState(kept, at_equal_positions(self.cross.tangent)))


def at_equal_positions(values: Float[Array, "... h w h w"]) -> Float[Array, "... h w"]:
    """What an array on pairs of positions holds where both are the same."""
    *lead, height, width, _, _ = values.shape
    flat = values.reshape(*lead, height * width, height * width)
    return jnp.diagonal(flat, axis1=-2, axis2=-1).reshape(*lead, height, width)
