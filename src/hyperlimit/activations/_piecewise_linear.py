"""Functions with one slope on each side of zero."""

import math
from abc import abstractmethod

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._arccosine import arccosine
from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._pair import GaussianPair


class AbstractPiecewiseLinear(AbstractActivation):
    r"""$\phi(z) = p \max(z, 0) + n \min(z, 0)$: positively homogeneous.

    With the arc-cosine kernels $\kappa_0, \kappa_1$ and $\rho = 1 - \delta$,

    $$E[\phi(u)\phi(v)] = \frac{s_x s_y}{2}
        \left[(p - n)^2 \kappa_1(\rho) + 2 p n \rho\right],\qquad
      E[\phi'(u)\phi'(v)] = \frac{1}{2}
        \left[(p - n)^2 \kappa_0(\rho) + 2 p n\right],$$

    because $\kappa_1(\rho) - \kappa_1(-\rho) = \rho$. Scale and angle separate, so
    inputs of any norm, zero included, give exact zeros and no overflow.
    """

    @abstractmethod
    def slopes(self) -> tuple[float, float]:
        """The slope for positive and the slope for negative arguments."""

    @property
    def homogeneous(self) -> bool:
        """Whether phi(c z) = c phi(z) for every positive c: yes."""
        return True

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        positive, negative = self.slopes()
        return jnp.where(z > 0, positive * z, negative * z)

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        positive, negative = self.slopes()
        return (positive**2 + negative**2) / 2

    def _angular(self, pair: GaussianPair) -> tuple[Array, Array]:
        """The gap after the activation, and the transfer."""
        positive, negative = self.slopes()
        total = positive**2 + negative**2
        bent = (positive - negative) ** 2 / total
        straight = 2 * positive * negative / total
        if bent == 0:
            return pair.gap, jnp.ones_like(pair.gap)
        if positive == -negative:
            # An even function does not know u from -u: folded, so that opposite
            # inputs have a gap as exact as equal ones.
            acute = pair.gap <= 1
            gap = jnp.where(acute, pair.gap, 2 - pair.gap)
            after, slope = arccosine(gap)
            return 2 * after - gap, jnp.where(acute, 2 * slope - 1, 1 - 2 * slope)
        after, slope = arccosine(pair.gap)
        if straight == 0:
            return after, slope
        return bent * after + straight * pair.gap, bent * slope + straight

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        return self.second_moment() * pair.scale * (1 - self._angular(pair)[0])

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        return self.second_moment() * self._angular(pair)[1]

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        gap, transfer = self._angular(pair)
        # One Python number, 1 for the usual gain: no rounding, however deep.
        factor = gain * math.sqrt(self.second_moment())
        if abs(factor - 1) < 1e-15:
            factor = 1.0
        return GaussianPair(pair.std_x * factor, pair.std_y * factor, gap), transfer
