"""Powers."""

import functools
import math
from dataclasses import dataclass
from typing import final

from jaxtyping import Array, Float

from hyperlimit.activations._horner import horner
from hyperlimit.activations._power import AbstractPower, checked_degree, odd_factorial


@functools.cache
def _coefficients(degree: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of rho^(p mod 2) times a polynomial in rho^2, and the sums of those above each.

    The square of the normalised Hermite coefficient of order k of g^p, divided by
    the sum of all: positive, of sum one.
    """
    terms = []
    for order in range(degree % 2, degree + 1, 2):
        half = (degree - order) // 2
        square = math.factorial(degree) ** 2 // math.factorial(order)
        terms.append(square / (4**half * math.factorial(half) ** 2))
    total = odd_factorial(degree)
    shares = [term / total for term in terms]
    above = [math.fsum(shares[i + 1 :]) for i in range(len(shares) - 1)]
    return tuple(shares), tuple(above) or (0.0,)


def power_kernel(
    gap: Float[Array, "..."], degree: int
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    r"""$1 - k$ and $k = E[u^p v^p] / (2p - 1)!!$ for unit deviations.

    $k$ is $\rho^{p \bmod 2}$ times a polynomial in $\rho^2$ with positive
    coefficients $c_i$, and $1 - \rho^{2i} = (1 - \rho^2)(1 + \rho^2 + \dots)$, so that
    neither cancels: not near $\rho = 1$, nor near $-1$ at an even degree.
    """
    shares, above = _coefficients(degree)
    rho, sine_squared = 1 - gap, gap * (2 - gap)
    square = rho**2
    missing, kept = sine_squared * horner(above, square), horner(shares, square)
    if degree % 2:
        return gap + rho * missing, rho * kept
    return missing, kept


@final
@dataclass(frozen=True)
class Monomial(AbstractPower):
    r"""$\phi(z) = z^p$, the layer of a polynomial network.

    $$E[\phi(u)\phi(v)] = (s_x s_y)^p \sum_{k \equiv p\ (2)}
        \frac{(p!)^2}{k!\, 4^j (j!)^2} \rho^k,\quad j = \frac{p - k}2,\qquad
      E[\phi'(u)\phi'(v)] = p^2 E[u^{p-1} v^{p-1}].$$

    All terms have one sign: exact to rounding. A relative error of a deviation is
    multiplied by $p$ in every layer, and by $p^L$ in L of them that do not contract.

    Args:
        degree: $p$, from 1 to 24.

    Raises:
        InputError: for another degree.

    References:
        The Hermite expansion of a power; for its use, Daniely, Frostig and Singer,
        *Toward Deeper Understanding of Neural Networks*, NIPS 2016.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GaussianPair, Monomial
        >>> one = jnp.ones(())
        >>> print(Monomial(2).dual(GaussianPair(one, one, 0.5 * one)))
        1.5
    """

    degree: int = 2

    def __post_init__(self):
        checked_degree(self.degree, least=1)

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return z**self.degree

    def angular(
        self, gap: Float[Array, "..."], degree: int
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """1 - k and k of a degree."""
        return power_kernel(gap, degree)

    def moment(self, degree: int) -> float:
        """The expectation of phi(u)^2 for a standard normal u, of a degree."""
        return float(odd_factorial(degree))
