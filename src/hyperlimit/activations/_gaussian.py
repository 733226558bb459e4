"""The Gaussian bump."""

import math
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.errors import InputError
from hyperlimit.numerics import safe_hypot


@final
@dataclass(frozen=True)
class Gaussian(AbstractActivation):
    r"""$\phi(z) = e^{-(a z)^2}$.

    With the deviations of $a u$ and $a v$, $l = \sqrt{1 + 4 s^2}$ and

    $$e = \frac{(l_x - l_y)^2}{2 l_x l_y}
        + \frac{4 s_x^2 s_y^2 (1 - \rho^2)}{l_x l_y},$$

    $$E[\phi(u)\phi(v)] = [l_x l_y (1 + e)]^{-1/2},\qquad
      E[\phi'(u)\phi'(v)] = 4 a^2 s_x s_y \rho\, [l_x l_y (1 + e)]^{-3/2},\qquad
      \delta \to 1 - (1 + e)^{-1/2}.$$

    $l_x l_y (1 + e) = (1 + 2 s_x^2)(1 + 2 s_y^2) - 4 s_x^2 s_y^2 \rho^2$, and $e$ is a
    sum of positive terms: the gap does not cancel.

    Args:
        rate: $a$, not zero; $1/\sqrt2$ makes the function $e^{-z^2/2}$.

    Raises:
        InputError: for a rate that is zero or not finite.

    References:
        Williams, *Computing with Infinite Networks*, NIPS 9, 1996, for the integral.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Gaussian, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{Gaussian().dual(GaussianPair(one, one, one)):.4f}")
        0.3333
    """

    rate: float = 1.0

    def __post_init__(self):
        if self.rate == 0 or not math.isfinite(self.rate):
            raise InputError(
                f"rate={self.rate} makes no bump: give a finite number other than 0."
            )

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jnp.exp(-((self.rate * z) ** 2))

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return 1 / math.hypot(1, 2 * self.rate)

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        length_x, length_y, excess, _ = self._parts(pair)
        return 1 / (jnp.sqrt(length_x) * jnp.sqrt(length_y) * jnp.sqrt(1 + excess))

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        slope = 4 * self.rate**4 * pair.covariance
        return slope * self.dual(pair) ** 3

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        length_x, length_y, excess, signal = self._parts(pair)
        logarithm = jnp.log1p(excess)
        after = GaussianPair(
            gain / jnp.sqrt(length_x),
            gain / jnp.sqrt(length_y),
            -jnp.expm1(-logarithm / 2),
        )
        return after, signal * pair.correlation * jnp.exp(-1.5 * logarithm)

    def _parts(self, pair: GaussianPair) -> tuple[Array, Array, Array, Array]:
        """The lengths l, e, and 4 (s_x s_y)^2 / (l_x l_y)."""
        pair = pair.rescaled(abs(self.rate)).held()
        # hypot(1, 2 s) does not overflow where 1 + 4 s^2 would.
        length_x, length_y = (
            safe_hypot(2 * pair.std_x, 1.0),
            safe_hypot(2 * pair.std_y, 1.0),
        )
        total = (pair.std_x + pair.std_y) / (length_x + length_y)
        apart = 4 * (pair.std_x - pair.std_y) * total
        signal = (2 * pair.std_x / length_x) * (2 * pair.std_y / length_y) * pair.scale
        excess = apart / length_x * (apart / length_y) / 2 + signal * pair.sine_squared
        return length_x, length_y, excess, signal
