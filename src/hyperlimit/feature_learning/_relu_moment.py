"""The moment of two rectified Gaussians, as a function of vectors."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations import arccosine
from hyperlimit.numerics import clipped, safe_ratio, safe_sqrt


def relu_moment(
    units: Float[Array, "m r"], g: Float[Array, " r"]
) -> Float[Array, " m"]:
    r"""$E\,\phi(b_i \cdot \omega)\,\phi(g \cdot \omega)$, $\omega \sim N(0, I_r)$.

    For the rectifier and rows of unit length

    $$V_i = \frac{s}{2\pi} \left( \sqrt{1 - q_i^2} + (\pi - \arccos q_i)\, q_i \right),
      \qquad s = |g|, \quad q_i = b_i \cdot g / s,$$

    $$\nabla_g V_i = \frac{1}{2\pi} \left( \sqrt{1 - q_i^2}\; g/s
      + (\pi - \arccos q_i)\, b_i \right) = E\,\phi(b_i\cdot\omega)\,
      \phi'(g\cdot\omega)\,\omega,$$

    which is bounded: at $q = \pm 1$ too. At $g = 0$ the gradient is taken as zero.

    References:
        Cho and Saul, *Kernel Methods for Deep Learning*, NIPS 22, 2009.
    """
    length = safe_sqrt(jnp.sum(g**2))
    cosine = safe_ratio(units @ g, length)
    gap, _ = arccosine(clipped(1 - cosine, 0.0, 2.0))
    return length * (1 - gap) / 2


def unit_rows(g: Float[Array, "b r"]) -> tuple[Float[Array, "b r"], Float[Array, " b"]]:
    """Rows divided by their lengths, and the lengths."""
    lengths = safe_sqrt(jnp.sum(g**2, axis=1))
    return safe_ratio(g, jnp.broadcast_to(lengths[:, None], g.shape)), lengths
