"""Descriptions and data that several tests share, and one primary written out."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf

import hyperlimit as hl

ERF = hl.mlp(depth=2, width=3, activation="erf", bias_std=0.5, out=1)
META = hl.mlp(depth=2, width=8, bias_std=0.3)
SPEC = hl.Hypernetwork(META, ERF)
# As SPEC, but the last layer is the primary's own.
OWN = hl.Hypernetwork(
    META,
    hl.mlp(
        depth=2,
        width=3,
        activation="erf",
        bias_std=0.5,
        out=1,
        weights_generated=[True, False],
    ),
)
LINEAR = hl.Hypernetwork(META, hl.mlp(depth=1, width=1, bias_std=0.5, out=1))
ROWS, POINTS = 6, 5


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def problem(points=POINTS):
    """x (6, 4), z (p, 2), y (6, p, 1)."""
    return normal(0, ROWS, 4), normal(1, points, 2), normal(2, ROWS, points, 1)


def written_out(weights, z, scale):
    """SPEC's primary for one row of weights: an erf network of width 3, in NumPy's way.

    `scale` is one over the root of erf's second moment under N(0, 1).
    """
    w1, b1 = weights[:6].reshape(3, 2), weights[6:9]
    w2, b2 = weights[9:12], weights[12]
    hidden = erf(z @ w1.T / 2**0.5 + 0.5 * b1[None])
    return scale * hidden @ w2 / 3**0.5 + 0.5 * b2


def erf_scale():
    """E erf(u)^2 = (2 / pi) arcsin(2 / 3) for u of unit variance."""
    return (2 / np.pi * np.arcsin(2 / 3)) ** -0.5


@eqx.filter_jit
def batch(net, z):
    """All outputs, compiled."""
    return net.batch(z)
