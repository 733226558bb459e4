"""Small regression problems, in the precision of the run."""

import jax.numpy as jnp
import numpy as np

import hyperlimit as hl


def hypernetwork(bandwidth=None, activation="relu", **meta):
    inputs = None if bandwidth is None else hl.FourierFeatures(bandwidth=bandwidth)
    return hl.Hypernetwork(
        meta=hl.mlp(depth=3, width=8, activation=activation, **meta),
        primary=hl.mlp(depth=3, width=8, out=1, activation=activation, inputs=inputs),
    )


def grid(images=7, side=4, size=12, seed=0, outputs=1):
    """Positive inputs x (n, d), coordinates z (p, 2) and targets (n, p, k)."""
    draw = np.random.default_rng(seed)
    x = unit(jnp.asarray(np.abs(draw.normal(size=(images, size))) + 0.1))
    rows, columns = np.mgrid[:side, :side]
    z = jnp.asarray(np.stack([rows.ravel(), columns.ravel()], 1), x.dtype)
    return x, z, jnp.asarray(draw.normal(size=(images, side * side, outputs)))


def unit(x):
    """Rows rescaled to |x|^2 = d."""
    return x * (x.shape[1] ** 0.5 / jnp.linalg.norm(x, axis=1))[:, None]


def all_pairs(x, z):
    """Every x with every z, row by row, as the limit reads them."""
    n, p = len(x), len(z)
    return jnp.repeat(x, p, axis=0), jnp.tile(z, (n, 1))
