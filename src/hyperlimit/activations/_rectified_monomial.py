"""Powers of the positive part."""

import functools
import math
from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._arccosine import obtuse_series
from hyperlimit.activations._monomial import power_kernel
from hyperlimit.activations._power import AbstractPower, checked_degree, odd_factorial


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def arccosine_of_order(
    gap: Float[Array, "..."], order: int
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    r"""Returns $1 - \kappa_n(1 - \delta)$ and $\kappa_n(1 - \delta)$.

    $\kappa_n = J_n / J_n(0)$ for the arc-cosine kernel of order n. At an obtuse angle
    it is $w^{n + 1/2}$ times a short polynomial in $w = 1 - \delta/2$
    (`obtuse_series`): relatively exact, where the closed form loses all digits of
    a number of the order of $(\pi - \theta)^{2n + 1}$. An acute angle follows from
    $\kappa_n(\rho) + (-1)^n \kappa_n(-\rho) = E[u^n v^n] / (2n - 1)!!$.

    Its slope in $\rho$ is $\frac{n^2}{2n - 1} \kappa_{n-1}$; that of $\kappa_0$,
    infinite at $\delta = 0$ and $2$, is taken as zero there.
    """
    acute = gap <= 1
    folded = jnp.where(acute, gap, 2 - gap)
    w = folded / 2
    series = obtuse_series(w, order)
    obtuse = (w**order if order else 1) * jnp.sqrt(w) * series
    missing, whole = power_kernel(folded, order)
    flipped = -obtuse if order % 2 else obtuse
    return (
        jnp.where(acute, missing + flipped, 1 - obtuse),
        jnp.where(acute, whole - flipped, obtuse),
    )


@arccosine_of_order.defjvp
def _arccosine_of_order_jvp(order: int, primals: tuple, tangents: tuple) -> tuple:
    (gap,), (gap_dot,) = primals, tangents
    if order:
        slope = order**2 / (2 * order - 1) * arccosine_of_order(gap, order - 1)[1]
    else:
        sine_squared = gap * (2 - gap)
        inside = sine_squared > 0
        sine = jnp.sqrt(jnp.where(inside, sine_squared, 1))
        slope = jnp.where(inside, 1 / (math.pi * sine), 0)
    return arccosine_of_order(gap, order), (slope * gap_dot, -slope * gap_dot)


@final
@dataclass(frozen=True)
class RectifiedMonomial(AbstractPower):
    r"""$\phi(z) = \max(z, 0)^p$, whose dual is the arc-cosine kernel of order p.

    $$E[\phi(u)\phi(v)] = \frac{(s_x s_y)^p}{2\pi} J_p(\theta),\qquad
      E[\phi'(u)\phi'(v)] = \frac{p^2 (s_x s_y)^{p-1}}{2\pi} J_{p-1}(\theta),$$

    with $\theta = \arccos\rho$, $J_0 = \pi - \theta$,
    $J_1 = \sin\theta + (\pi - \theta)\cos\theta$,
    $J_2 = 3 \sin\theta\cos\theta + (\pi - \theta)(1 + 2\cos^2\theta)$ and so on.
    Degree 1 is the rectifier.

    Degree 0 is the step, 1 for positive numbers and 0 otherwise. Its derivative is
    zero almost everywhere, and *that* is the derivative meant here: its derivative
    dual is zero and no NTK passes it, though the dual has a slope. Its dual is of
    order $\sqrt\delta$ in the gap: each layer halves the digits to which nearly equal
    inputs, other than equal ones, are told apart.

    Args:
        degree: $p$, from 0 to 24.

    Raises:
        InputError: for another degree.

    References:
        Cho and Saul, *Kernel Methods for Deep Learning*, NIPS 22, 2009.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GaussianPair, RectifiedMonomial
        >>> one = jnp.ones(())
        >>> print(f"{RectifiedMonomial(2).dual(GaussianPair(one, one, one)):.4f}")
        0.2500
    """

    degree: int = 2

    def __post_init__(self):
        checked_degree(self.degree, least=0)

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jnp.where(z > 0, z**self.degree, 0)

    def angular(
        self, gap: Float[Array, "..."], degree: int
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """1 - k and k of a degree."""
        return arccosine_of_order(gap, degree)

    def moment(self, degree: int) -> float:
        """The expectation of phi(u)^2 for a standard normal u, of a degree."""
        return odd_factorial(degree) / 2
