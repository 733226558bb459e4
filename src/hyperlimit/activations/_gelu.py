"""The Gaussian error linear unit."""

import math
from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractSmoothActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.activations._smoothed_angle import SmoothedAngle, smoothed_angle


def _orthant(angle: SmoothedAngle) -> Float[Array, "..."]:
    """The expectation of Phi(u) Phi(v), Phi the normal distribution function."""
    return 0.25 + jnp.arctan2(angle.sine, angle.cosine) / (2 * math.pi)


@final
@dataclass(frozen=True)
class GELU(AbstractSmoothActivation):
    r"""$\phi(z) = z \Phi(z)$, $\Phi$ the normal distribution function (exact form).

    With $A = 1 + q_x$, $B = 1 + q_y$, $c = s_x s_y \rho$, $\Delta = AB - c^2$ and
    $F = \frac14 + \frac{1}{2\pi}\arcsin\frac{c}{\sqrt{AB}}$,

    $$E[\phi(u)\phi(v)] = c F + \frac{q_x q_y - c^2 + c^2 (1/A + 1/B)}
        {2 \pi \sqrt\Delta},$$
    $$E[\phi'(u)\phi'(v)] = F + \frac{c}{2 \pi \sqrt\Delta}
        \left(\frac1A + \frac1B + \frac1\Delta\right),$$

    both by Stein's identity $E[u G] = q_x E[\partial_u G] + c E[\partial_v G]$.

    References:
        Tsuchida, Pearce, van der Heide, Roosta and Gallagher, *Avoiding Kernel Fixed
        Points: Computing with ELU and GELU Infinite Networks*, AAAI 2021.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GELU, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{GELU().dual(GaussianPair(one, one, 0.0 * one)):.4f}")
        0.4252
    """

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jax.nn.gelu(z, approximate=False)

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return 1 / 4 + math.asin(1 / 2) / (2 * math.pi) + 1 / (2 * math.pi * 3**0.5)

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        angle = smoothed_angle(pair)
        squares = angle.noise_x**2 + angle.noise_y**2
        bend = pair.sine_squared + pair.correlation**2 * squares
        signal = angle.signal_x * angle.signal_y
        return pair.scale * (
            pair.correlation * _orthant(angle)
            + signal * bend / (2 * math.pi * angle.cosine)
        )

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        angle = smoothed_angle(pair)
        square_x, square_y = angle.noise_x**2, angle.noise_y**2
        total = square_x + square_y + square_x * square_y / angle.cosine**2
        return _orthant(angle) + angle.sine * total / (2 * math.pi * angle.cosine)
