"""What an activation must say: its map, and what it does to a Gaussian pair."""

from abc import ABC, abstractmethod

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._pair import GaussianPair, diagonal_pair
from hyperlimit.numerics import clipped, safe_ratio, safe_sqrt


class AbstractActivation(ABC):
    r"""A scalar function $\phi$ and its Gaussian dual.

    For a pair $(u, v)$, `propagate` returns the pair $(g\phi(u), g\phi(v))$ as far as
    second moments go, for a gain $g$, and the *transfer*
    $s_x s_y E[\phi'(u)\phi'(v)] / (s_x' s_y')$: the factor by which an NTK in units
    of $s_x s_y$ is multiplied on its way through, in units of $s_x' s_y'$.
    The gain cancels there.

    Activations are frozen dataclasses of plain numbers: they hash, so that a spec
    that holds them can key a compiled function.
    """

    @property
    def homogeneous(self) -> bool:
        """Whether phi(c z) = c phi(z) for every positive c."""
        return False

    @abstractmethod
    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""

    @abstractmethod
    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""

    @abstractmethod
    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""

    @abstractmethod
    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""

    @abstractmethod
    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""


class AbstractSmoothActivation(AbstractActivation):
    """An activation given by its dual and its derivative dual in closed form."""

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        std_x = safe_sqrt(self.dual(diagonal_pair(pair.std_x)))
        std_y = safe_sqrt(self.dual(diagonal_pair(pair.std_y)))
        correlation = safe_ratio(self.dual(pair), std_x * std_y)
        # Two equal inputs stay equal to the last bit, however deep the network:
        # where the activation expands angles, a rounding error here would grow.
        rounding = 8 * float(jnp.finfo(pair.gap.dtype).eps)
        near = jnp.abs(pair.std_x - pair.std_y) <= rounding * pair.std_x
        equal = (pair.gap <= rounding**2) & near
        gap = jnp.where(equal, 0.0, clipped(1 - correlation, 0.0, 2.0))
        transfer = (
            self.derivative_dual(pair)
            * safe_ratio(pair.std_x, std_x)
            * safe_ratio(pair.std_y, std_y)
        )
        return GaussianPair(std_x * gain, std_y * gain, gap), transfer
