"""The sine."""

import math
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractSmoothActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.activations._waves import (
    checked_frequency,
    mean_cos_cos,
    mean_sin_sin,
)


@final
@dataclass(frozen=True)
class Sin(AbstractSmoothActivation):
    r"""$\phi(z) = \sin \omega z$.

    With $D = \frac{\omega^2}2 E(u - v)^2$ and $S = \frac{\omega^2}2 E(u + v)^2$,

    $$E[\phi(u)\phi(v)] = \tfrac12 (e^{-D} - e^{-S}),\qquad
      E[\phi'(u)\phi'(v)] = \tfrac{\omega^2}2 (e^{-D} + e^{-S}).$$

    An error $\epsilon$ of the gap moves the dual by $\omega^2 s_x s_y \epsilon$ at
    most.

    Args:
        frequency: $\omega$, not zero.

    Raises:
        InputError: for a frequency that is zero or not finite.

    References:
        Characteristic functions of the normal law; for networks, Pearce et al.,
        *Expressive Priors in Bayesian Neural Networks*, UAI 2019; frequencies other
        than one, Sitzmann et al., *Implicit Neural Representations with Periodic
        Activation Functions*, NeurIPS 2020.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Sin, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{Sin().dual(GaussianPair(one, one, 0.5 * one)):.4f}")
        0.1917
    """

    frequency: float = 1.0

    def __post_init__(self):
        checked_frequency(self.frequency)

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jnp.sin(self.frequency * z)

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return -math.expm1(-2 * self.frequency**2) / 2

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        return mean_sin_sin(pair.rescaled(abs(self.frequency)).held())

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        waves = mean_cos_cos(pair.rescaled(abs(self.frequency)).held())
        return self.frequency**2 * waves
