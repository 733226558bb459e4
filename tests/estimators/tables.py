"""Small tables of functions sampled at points of their own."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel


def sampled(rows=30, outputs=None, seed=0):
    """Columns x (2), z (2), in float64; some pairs come twice with other targets."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, 4))
    X[-3:] = X[:3]
    y = draw.normal(size=rows if outputs is None else (rows, outputs)) + 2
    return X, y


def gridded(images=12, side=5, filled=0.6, seed=0):
    """x (2) with |x|^2 = 2 at places z (2), the rows shuffled; and all grid pairs."""
    draw = np.random.default_rng(seed)
    angle = draw.uniform(0, 2 * np.pi, images)
    x = 2**0.5 * np.stack([np.cos(angle), np.sin(angle)], 1)
    z = np.stack(np.meshgrid(*[np.linspace(-1, 1, side)] * 2), -1).reshape(-1, 2)
    X = np.concatenate([np.repeat(x, len(z), 0), np.tile(z, (images, 1))], 1)
    y = np.sin(X[:, 0] + 2 * X[:, 2]) * X[:, 1] + X[:, 3]
    rows = draw.permutation(len(X))[: round(filled * len(X))]
    return X[rows], y[rows], X


class Precomputed(Kernel):
    """A limit's kernel times an amplitude, for scikit-learn's own regression."""

    def __init__(self, limit, kind, amplitude):
        self.limit = limit
        self.kind = kind
        self.amplitude = amplitude

    def _pairs(self, X):
        return jnp.asarray(X[:, :2]), jnp.asarray(X[:, 2:])

    def __call__(self, X, Y=None, eval_gradient=False):
        assert not eval_gradient
        with jax.enable_x64(True):
            kernel = getattr(self.limit, self.kind)
            others = None if Y is None else self._pairs(Y)
            return self.amplitude * np.asarray(kernel(self._pairs(X), others))

    def diag(self, X):
        return np.diag(self(X))

    def is_stationary(self):
        return False


def peer(model, X, y):
    """scikit-learn's Gaussian process with the kernel and noise of a fitted model."""
    kernel = Precomputed(model.limit_, model.kind, getattr(model, "amplitude_", 1.0))
    noise = model.ridge * np.mean(kernel.diag(X))
    return GaussianProcessRegressor(
        kernel, alpha=noise, optimizer=None, normalize_y=model.normalize_y
    ).fit(X, y)
