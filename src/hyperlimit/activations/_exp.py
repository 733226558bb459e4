"""The exponential."""

import math
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.errors import InputError
from hyperlimit.numerics import saturation


@final
@dataclass(frozen=True)
class Exp(AbstractActivation):
    r"""$\phi(z) = e^{a z}$.

    With $D = \frac12 E(u - v)^2 = \frac12 (s_x - s_y)^2 + s_x s_y \delta$,

    $$E[\phi(u)\phi(v)] = e^{a^2 (s_x^2 + s_y^2 - D)},\qquad
      E[\phi'(u)\phi'(v)] = a^2 E[\phi(u)\phi(v)],\qquad
      \delta \to 1 - e^{-a^2 D},$$

    the last by `expm1`, without cancellation. A relative error $\epsilon$ of a
    deviation $s$ becomes one of $2 a^2 s^2 \epsilon$: that is the condition of the
    problem, and rounding adds to the dual $4 \max(1, a^2 s^2)$ units in the last place.
    Deviations whose exponential cannot be represented saturate.

    Args:
        rate: $a$, not zero.

    Raises:
        InputError: for a rate that is zero or not finite.

    References:
        The moment generating function of the normal law.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Exp, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{Exp().dual(GaussianPair(one, one, one)):.4f}")
        2.7183
    """

    rate: float = 1.0

    def __post_init__(self):
        if self.rate == 0 or not math.isfinite(self.rate):
            raise InputError(
                f"rate={self.rate} makes no exponential: give a finite number other "
                "than 0."
            )

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jnp.exp(self.rate * z)

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return math.exp(2 * self.rate**2)

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        pair = self._held(pair)
        return jnp.exp(pair.std_x**2 + pair.std_y**2 - _half_square(pair))

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        return self.rate**2 * self.dual(pair)

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        pair = self._held(pair)
        apart = _half_square(pair)
        # One exponential: e^(s^2) alone would round by s^2 units more.
        shift = math.log(gain)
        after = GaussianPair(
            jnp.exp(pair.std_x**2 + shift),
            jnp.exp(pair.std_y**2 + shift),
            -jnp.expm1(-apart),
        )
        return after, pair.scale * jnp.exp(-apart)

    def _held(self, pair: GaussianPair) -> GaussianPair:
        """The pair of a u and a v, cut off where the exponential would overflow."""
        top = math.sqrt(math.log(saturation(pair.gap.dtype)))
        return pair.rescaled(abs(self.rate)).held(top)


def _half_square(pair: GaussianPair) -> Array:
    return (pair.std_x - pair.std_y) ** 2 / 2 + pair.scale * pair.gap
