"""The piecewise linear unit with two free slopes."""

from dataclasses import dataclass
from typing import final

from hyperlimit.activations._piecewise_linear import AbstractPiecewiseLinear
from hyperlimit.errors import InputError


@final
@dataclass(frozen=True)
class ABReLU(AbstractPiecewiseLinear):
    r"""$\phi(z) = a \min(z, 0) + b \max(z, 0)$: all functions with one kink at zero.

    $$E[\phi(u)\phi(v)] = \tfrac12 s_x s_y
        \left[(b - a)^2 \kappa_1(\rho) + 2 a b \rho\right].$$

    Args:
        negative_slope: $a$; 1/4 by default, where a parametric rectifier starts.
        positive_slope: $b$.

    Raises:
        InputError: if both slopes are zero.

    References:
        Cho and Saul (2009) for the arc-cosine kernel, the rest is linearity; the
        default slopes are those of He, Zhang, Ren and Sun, *Delving Deep into
        Rectifiers*, ICCV 2015.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import ABReLU, GaussianPair
        >>> one = jnp.ones(())
        >>> pair = GaussianPair(one, one, 0.5 * one)
        >>> print(f"{ABReLU(0.0, 1.0).dual(pair):.4f}")
        0.3045
    """

    negative_slope: float = 0.25
    positive_slope: float = 1.0

    def __post_init__(self):
        if self.negative_slope == self.positive_slope == 0:
            raise InputError(
                "negative_slope=0 and positive_slope=0 make the function zero: give "
                "one of them another value."
            )

    def slopes(self) -> tuple[float, float]:
        """The slope for positive and the slope for negative arguments."""
        return self.positive_slope, self.negative_slope
