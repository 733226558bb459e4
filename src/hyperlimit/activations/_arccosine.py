r"""The arc-cosine kernels of order 0 and 1 by polynomials in the gap.

With $\varphi = \arccos|\rho|$, $t = \sin(\varphi/2) = \sqrt{m/2}$,
$m = 1 - |\rho|$ and $w = t^2 \in [0, 1/2]$,

$$\varphi = 2 \arcsin t = 2 t \sum_k a_k w^k,\qquad
\sin\varphi - \varphi\cos\varphi = 8 t^3 \sum_k \frac{a_k}{2k + 3} w^k,\qquad
a_k = \binom{2k}{k} \frac{1}{4^k (2k + 1)},$$

the second because its derivative in $t$ is $4 t \varphi$. Every term is positive:
nothing cancels, and one square root and two short polynomials take the place of an
arc cosine, which costs some fifteen times as much in float32, and five in float64.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.activations._horner import horner

# Degrees at which the economised series errs by less than half a unit in the last
# place; the test of this module measures them.
_DEGREES = {"float64": 19, "float32": 7}


@functools.cache
def _coefficients(degree: int, order: int) -> tuple[float, ...]:
    """The polynomial in 4w - 1 on [-1, 1] of `obtuse_series`, lowest order first."""
    k = np.arange(120)
    a = np.cumprod(np.where(k > 0, (2 * k - 1) / np.maximum(2 * k, 1), 1))
    a /= 2 * k + 1
    scale = 2 / math.pi
    for j in range(1, order + 1):
        a, scale = a / (2 * k + 2 * j + 1), scale * 4 * j**2 / (2 * j - 1)

    # Taylor coefficients about w = 1/4: positive sums, as is their change to
    # Chebyshev polynomials, so that the tail cut off there is the only error.
    shift = np.array(
        [[math.comb(i, j) / 4.0**i for i in k] for j in range(2 * degree + 16)]
    )
    chebyshev = np.polynomial.chebyshev.poly2cheb(shift @ (a * scale))
    kept = np.polynomial.chebyshev.cheb2poly(chebyshev[: degree + 1])
    return tuple(kept.tolist())


def obtuse_series(w: Float[Array, "..."], order: int) -> Float[Array, "..."]:
    r"""$\kappa_n(2w - 1) / w^{n + 1/2}$ for $w \in [0, 1/2]$ and order $n$.

    $\kappa_n' = \frac{n^2}{2n - 1} \kappa_{n-1}$ integrates the series of
    $\kappa_0(2w - 1) = \frac2\pi \arcsin\sqrt w$ term by term.
    """
    degree = _DEGREES["float64" if w.dtype == jnp.float64 else "float32"]
    return horner(_coefficients(degree, order), 4 * w - 1)


@jax.custom_jvp
def arccosine(
    gap: Float[Array, "..."],
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    r"""Returns $1 - \kappa_1(1 - \delta)$ and $\kappa_0(1 - \delta)$.

    $$\kappa_0(\rho) = \frac{\pi - \arccos\rho}{\pi},\qquad
      \kappa_1(\rho) = \frac{\rho(\pi - \arccos\rho) + \sqrt{1-\rho^2}}{\pi}.$$

    Absolute error of a few units in the last place, for both. The derivative of
    $\kappa_0$, infinite at $\delta = 0$ and $2$, is taken as zero there.

    References:
        Cho and Saul, *Kernel Methods for Deep Learning*, NIPS 22, 2009.

    Examples:
        >>> after, slope = arccosine(jnp.array([0.0, 1.0, 2.0]))
        >>> print([f"{1 - float(value):.4f}" for value in after], slope)
        ['1.0000', '0.3183', '0.0000'] [1.  0.5 0. ]
    """
    acute = gap <= 1
    missing = jnp.where(acute, gap, 2 - gap)
    w = 0.5 * missing
    t = jnp.sqrt(w)
    angle = t * obtuse_series(w, 0)
    rise = w * t * obtuse_series(w, 1)
    return (
        jnp.where(acute, gap, 1) - rise,
        jnp.where(acute, 1 - angle, angle),
    )


@arccosine.defjvp
def _arccosine_jvp(primals: tuple, tangents: tuple) -> tuple:
    (gap,), (gap_dot,) = primals, tangents
    after, slope = arccosine(gap)
    sine_squared = gap * (2 - gap)
    inside = sine_squared > 0
    sine = jnp.sqrt(jnp.where(inside, sine_squared, 1))
    steepness = jnp.where(inside, 1 / (math.pi * sine), 0)
    return (after, slope), (slope * gap_dot, -steepness * gap_dot)
