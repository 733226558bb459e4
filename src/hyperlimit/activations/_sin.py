"""The sine."""

import math
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractSmoothActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.activations._waves import mean_cos_cos, mean_sin_sin


@final
@dataclass(frozen=True)
class Sin(AbstractSmoothActivation):
    r"""$\phi(z) = \sin z$.

    With $D = \frac12 E(u - v)^2$ and $S = \frac12 E(u + v)^2$,

    $$E[\phi(u)\phi(v)] = \tfrac12 (e^{-D} - e^{-S}),\qquad
      E[\phi'(u)\phi'(v)] = \tfrac12 (e^{-D} + e^{-S}).$$

    References:
        Characteristic functions of the normal law; for networks, Pearce et al.,
        *Expressive Priors in Bayesian Neural Networks*, UAI 2019.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Sin, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{Sin().dual(GaussianPair(one, one, 0.5 * one)):.4f}")
        0.1917
    """

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jnp.sin(z)

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return (1 - math.exp(-2)) / 2

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        return mean_sin_sin(pair)

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        return mean_cos_cos(pair)
