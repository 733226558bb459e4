"""Draws of functions, beside the posterior in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from regression.problems import all_pairs, grid, hypernetwork

LIMIT = hl.dual_limit(hypernetwork(bandwidth=1.5))
COUNT = 600


def posterior(x, z, y, known, new, where, ridge):
    """Mean and covariance at new points by one dense solve."""
    pairs, fresh = all_pairs(x, z), all_pairs(new, where)
    keep = known.ravel()
    gram = np.asarray(LIMIT.ntk(pairs), np.float64)[np.ix_(keep, keep)]
    noise = ridge * gram.diagonal().mean()
    gram = gram + noise * np.eye(len(gram))
    cross = np.asarray(LIMIT.ntk(fresh, pairs), np.float64)[:, keep]
    own = np.asarray(LIMIT.ntk(fresh), np.float64)
    mean = cross @ np.linalg.solve(gram, np.asarray(y, np.float64).ravel()[keep])
    covariance = own - cross @ np.linalg.solve(gram, cross.T)
    return mean, covariance, noise


@pytest.mark.parametrize(
    ("share", "solver", "elsewhere"),
    [(1.0, "iterative", False), (0.6, "iterative", True), (0.6, "dense", False)],
)
def test_mean_and_covariance_of_draws(share, solver, elsewhere):
    """Within five standard errors of that many draws, entry by entry."""
    x, z, y = grid(images=6)
    draw = np.random.default_rng(3)
    known = draw.uniform(size=y.shape[:2]) < share
    new = grid(2, seed=5)[0]
    where = z[:5] + (0.25 if elsewhere else 0.0) if elsewhere else z
    ridge = 0.05
    fit = hl.regress_grid(
        LIMIT, x, z, y[..., 0], known=known, ridge=ridge, solver=solver
    )
    given = (new, where) if elsewhere else (new,)
    draws = np.asarray(fit.samples(*given, count=COUNT, seed=1), np.float64)
    draws = draws.reshape(COUNT, -1)
    mean, covariance, noise = posterior(x, z, y, known, new, where, ridge)
    covariance = covariance + 0.01 * noise * np.eye(len(mean))
    spread = np.sqrt(covariance.diagonal())
    assert np.abs((draws.mean(axis=0) - mean) / spread).max() < 5 / COUNT**0.5
    centred = draws - mean
    found = centred.T @ centred / COUNT
    error = np.sqrt(np.outer(spread**2, spread**2) + covariance**2)
    assert np.abs((found - covariance) / error).max() < 5 / COUNT**0.5


def test_several_outputs_and_the_amplitude():
    x, z, y = grid(images=5, outputs=2)
    new = grid(2, seed=5)[0]
    one = hl.regress_grid(LIMIT, x, z, y, ridge=0.1)
    nine = hl.regress_grid(LIMIT, x, z, y, ridge=0.1, amplitude=9.0)
    a, b = (fit.samples(new, count=3, seed=4) for fit in (one, nine))
    assert a.shape == (3, 2, 16, 2)
    mean = one.mean(new)[None]
    np.testing.assert_allclose(b - mean, 3 * (a - mean), atol=1e-3)
    assert not np.allclose(a[0], a[1])
    assert not np.allclose(a[..., 0] - mean[..., 0], a[..., 1] - mean[..., 1])


def test_coordinates_of_their_own():
    x, _, _ = grid(images=5)
    draw = np.random.default_rng(2)
    z = [draw.uniform(0, 4, (count, 2)) for count in (4, 3, 5, 6, 4)]
    y = [draw.normal(size=len(part)) for part in z]
    fit = hl.regress_grid(LIMIT, x, z, y, ridge=0.1)
    found = fit.samples(x[:2], jnp.asarray(z[0], x.dtype), count=4)
    assert found.shape == (4, 2, 4)
    # Where a function was seen, draws stay near what was seen.
    near = np.std(np.asarray(found)[:, 0] - y[0][None])
    assert near < 2 * (fit.noise + float(fit.variance(x[:1], z[0]).max())) ** 0.5
