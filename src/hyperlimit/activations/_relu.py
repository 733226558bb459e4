"""The rectified linear unit."""

from dataclasses import dataclass
from typing import final

from hyperlimit.activations._piecewise_linear import AbstractPiecewiseLinear


@final
@dataclass(frozen=True)
class ReLU(AbstractPiecewiseLinear):
    r"""$\phi(z) = \max(z, 0)$, whose dual is the arc-cosine kernel of order 1.

    $$E[\phi(u)\phi(v)] = \tfrac12 s_x s_y \kappa_1(\rho).$$

    References:
        Cho and Saul, *Kernel Methods for Deep Learning*, NIPS 22, 2009.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GaussianPair, ReLU
        >>> one = jnp.ones(())
        >>> print(f"{ReLU().dual(GaussianPair(one, one, 0.5 * one)):.4f}")
        0.3045
    """

    def slopes(self) -> tuple[float, float]:
        """The slope for positive and the slope for negative arguments."""
        return 1.0, 0.0
