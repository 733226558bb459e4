"""The angle between two Gaussians after unit noise is added to each."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._pair import GaussianPair
from hyperlimit.numerics import safe_hypot


class SmoothedAngle(NamedTuple):
    r"""Sine and cosine of $\psi = \arcsin(c / \sqrt{(1 + q_x)(1 + q_y)})$.

    `noise_x` is $(1 + q_x)^{-1/2}$ and `signal_x` is $s_x (1 + q_x)^{-1/2}$, so
    that their squares sum to one.
    """

    sine: Float[Array, "..."]
    cosine: Float[Array, "..."]
    signal_x: Float[Array, "..."]
    signal_y: Float[Array, "..."]
    noise_x: Float[Array, "..."]
    noise_y: Float[Array, "..."]


def smoothed_angle(pair: GaussianPair) -> SmoothedAngle:
    r"""The angle in the duals of the error function and of its relatives.

    The squared cosine is a sum of positive terms,
    $n_x^2 + n_y^2 - n_x^2 n_y^2 + a_x^2 a_y^2 (1 - \rho^2)$ with $n$ the noise and
    $a$ the signal, so that inputs of norm 1e8 keep every digit and none overflows.
    """
    # hypot(s, 1) does not overflow where 1 + s^2 would.
    length_x, length_y = safe_hypot(pair.std_x, 1.0), safe_hypot(pair.std_y, 1.0)
    noise_x, noise_y = 1 / length_x, 1 / length_y
    signal_x, signal_y = pair.std_x / length_x, pair.std_y / length_y
    square_x, square_y = noise_x**2, noise_y**2
    signal = signal_x * signal_y
    cosine = jnp.sqrt(
        (square_x + square_y) - square_x * square_y + signal**2 * pair.sine_squared
    )
    return SmoothedAngle(
        signal * pair.correlation, cosine, signal_x, signal_y, noise_x, noise_y
    )
