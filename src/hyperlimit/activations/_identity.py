"""The identity."""

from dataclasses import dataclass
from typing import final

from hyperlimit.activations._piecewise_linear import AbstractPiecewiseLinear


@final
@dataclass(frozen=True)
class Identity(AbstractPiecewiseLinear):
    r"""$\phi(z) = z$, for deep linear networks.

    $$E[\phi(u)\phi(v)] = s_x s_y \rho,\qquad E[\phi'(u)\phi'(v)] = 1.$$

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GaussianPair, Identity
        >>> one = jnp.ones(())
        >>> print(Identity().dual(GaussianPair(one, one, 0.25 * one)))
        0.75
    """

    def slopes(self) -> tuple[float, float]:
        """The slope for positive and the slope for negative arguments."""
        return 1.0, 1.0
