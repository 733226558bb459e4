"""The leaky rectified linear unit."""

from dataclasses import dataclass
from typing import final

from hyperlimit.activations._piecewise_linear import AbstractPiecewiseLinear


@final
@dataclass(frozen=True)
class LeakyReLU(AbstractPiecewiseLinear):
    r"""$\phi(z) = \max(z, 0) + a \min(z, 0)$ with negative slope $a$.

    $$E[\phi(u)\phi(v)] = \tfrac12 s_x s_y
        \left[(1 - a)^2 \kappa_1(\rho) + 2 a \rho\right].$$

    References:
        Cho and Saul (2009) for the arc-cosine kernel; the rest is linearity.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GaussianPair, LeakyReLU
        >>> one = jnp.ones(())
        >>> pair = GaussianPair(one, one, 0.5 * one)
        >>> print(f"{LeakyReLU(negative_slope=1.0).dual(pair):.4f}")
        0.5000
    """

    negative_slope: float = 0.01

    def slopes(self) -> tuple[float, float]:
        """The slope for positive and the slope for negative arguments."""
        return 1.0, self.negative_slope
