"""The error function."""

import math
from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractSmoothActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.activations._smoothed_angle import smoothed_angle


@final
@dataclass(frozen=True)
class Erf(AbstractSmoothActivation):
    r"""$\phi(z) = \operatorname{erf}(z)$, whose dual is the arcsine kernel.

    $$E[\phi(u)\phi(v)] = \frac{2}{\pi}\arcsin
        \frac{2 s_x s_y \rho}{\sqrt{(1 + 2 s_x^2)(1 + 2 s_y^2)}},\qquad
      E[\phi'(u)\phi'(v)] = \frac{4}{\pi}
        \left[(1 + 2 s_x^2)(1 + 2 s_y^2) - 4 s_x^2 s_y^2 \rho^2\right]^{-1/2}.$$

    References:
        Williams, *Computing with Infinite Networks*, NIPS 9, 1996.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Erf, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{Erf().dual(GaussianPair(one, one, 0.5 * one)):.4f}")
        0.2163
    """

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jax.scipy.special.erf(z)

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return 2 / math.pi * math.asin(2 / 3)

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        angle = smoothed_angle(pair.rescaled(math.sqrt(2)))
        return 2 / math.pi * jnp.arctan2(angle.sine, angle.cosine)

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        angle = smoothed_angle(pair.rescaled(math.sqrt(2)))
        return 4 / math.pi * angle.noise_x * angle.noise_y / angle.cosine
