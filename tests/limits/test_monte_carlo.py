"""The package against sampled networks, without the reference in between."""

import jax.numpy as jnp
import numpy as np
import pytest
from agreement import specification

import hyperlimit as hl
from references.monte_carlo import finite, infinite_f
from references.mp_kernels import Meta, Primary

RNG = np.random.default_rng(2)


def _pair(dim):
    """Two vectors of correlation .6, of mean square 1.1 and .8."""
    q, _ = np.linalg.qr(RNG.standard_normal((dim, 2)))
    sides = np.sqrt(dim) * q @ np.array([[1.0, 0.6], [0.0, 0.8]])
    return np.sqrt(1.1) * sides[:, 0], np.sqrt(0.8) * sides[:, 1]


(X1, X2), (Z1, Z2) = _pair(5), _pair(3)
POINTS = X1, Z1, X2, Z2


def _package(meta, primary):
    limit = hl.dual_limit(specification(meta, primary))
    one, other = (
        tuple(jnp.asarray(row[None], float) for row in rows)
        for rows in ((X1, Z1), (X2, Z2))
    )
    return np.array([float(k[0, 0]) for k in limit.kernels(one, other)])


@pytest.mark.parametrize(("layers", "seeds"), [(2, 100), (3, 120), (6, 100)])
def test_generated_relu(layers, seeds):
    """L = 3 and H = 2, 3, 6: a backward chain without K_f is eight errors away."""
    nets = Meta(3), Primary(layers)
    mean, error = infinite_f(*POINTS, *nets, width=512, seeds=range(seeds))
    assert (error / np.abs(mean)).max() < 0.025
    assert (np.abs(mean - _package(*nets)) / error).max() < 4


def test_both_networks_finite():
    meta = Meta(3, "relu", 1.1, 0.3)
    primary = Primary(3, "relu", generated=(True, False, True))
    mean, error = finite(*POINTS, meta, primary, 512, 32, seeds=range(50))
    assert (error / np.abs(mean)).max() < 0.1
    assert (np.abs(mean - _package(meta, primary)) / error).max() < 4
