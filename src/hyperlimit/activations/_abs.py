"""The absolute value."""

from dataclasses import dataclass
from typing import final

from hyperlimit.activations._piecewise_linear import AbstractPiecewiseLinear


@final
@dataclass(frozen=True)
class Abs(AbstractPiecewiseLinear):
    r"""$\phi(z) = |z|$.

    $$E[\phi(u)\phi(v)] = s_x s_y (2 \kappa_1(\rho) - \rho),\qquad
      E[\phi'(u)\phi'(v)] = 2 \kappa_0(\rho) - 1 = \tfrac2\pi \arcsin\rho.$$

    References:
        Cho and Saul (2009) for the arc-cosine kernel; the rest is linearity.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Abs, GaussianPair
        >>> one = jnp.ones(())
        >>> print(f"{Abs().dual(GaussianPair(one, one, one)):.4f}")
        0.6366
    """

    def slopes(self) -> tuple[float, float]:
        """The slope for positive and the slope for negative arguments."""
        return 1.0, -1.0
