"""Functions drawn from a hypernetwork's kernel: the numbers behind them are known."""

import jax.numpy as jnp
import numpy as np

import hyperlimit as hl

N, SIDE = 16, 5
P = SIDE * SIDE
BANDWIDTH, RIDGE = 1.5, 0.05


def spec(bandwidth=BANDWIDTH, bias=0.3):
    features = hl.FourierFeatures(bandwidth=bandwidth)
    return hl.Hypernetwork(
        hl.mlp(depth=2, width=8, bias_std=bias),
        hl.mlp(depth=2, width=8, out=1, bias_std=bias, inputs=features),
    )


def images(n=N, seed=0, lengths=False):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, 5))
    x[3] = x[2]
    x /= np.linalg.norm(x, axis=1, keepdims=True) / 5**0.5
    return x * draw.uniform(0.8, 1.3, (n, 1)) if lengths else x


def coordinates():
    axis = np.arange(float(SIDE))
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)


def gram(description, x, z, kind="ntk"):
    """Of all points, by the limit's own kernel."""
    points = jnp.asarray(np.repeat(x, len(z), axis=0), float)
    where = jnp.asarray(np.tile(z, (len(x), 1)), float)
    limit = hl.dual_limit(description)
    return np.asarray(getattr(limit, kind)((points, where)), np.float64)


def drawn(outputs=2, seed=1):
    """Targets (N, P, outputs) of the kernel and ridge above, and the Gram matrix."""
    matrix = gram(spec(), images(), coordinates())
    noise = RIDGE * np.trace(matrix) / len(matrix)
    root = np.linalg.cholesky(matrix + noise * np.eye(len(matrix)))
    draw = np.random.default_rng(seed)
    values = root @ draw.standard_normal((len(matrix), outputs))
    return values.reshape(N, P, outputs), matrix


def mask(seed=2):
    return np.random.default_rng(seed).uniform(size=(N, P)) < 0.7
