"""Dense regression against linear algebra written out, and its errors."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import hyperlimit as hl
from regression.problems import hypernetwork, unit


def data(n=20, seed=0):
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=(n, 5)), draw.normal(size=(n, 2))
    # Rows of one length: a ridge in units of the mean variance is then fair to all.
    x, z = unit(jnp.asarray(x)), unit(jnp.asarray(z))
    return (x, z), jnp.asarray(draw.normal(size=n))


@pytest.mark.parametrize("kind", ["ntk", "nngp"])
def test_mean_and_variance_are_the_posterior(kind, tolerance):
    limit = hl.dual_limit(hypernetwork())
    u, y = data()
    new, _ = data(6, seed=1)
    fit = hl.regress(limit, u, y, ridge=0.1, kind=kind)
    gram = np.asarray(getattr(limit, kind)(u), np.float64)
    cross = np.asarray(getattr(limit, kind)(new, u), np.float64)
    own = np.asarray(getattr(limit, f"{kind}_diagonal")(new), np.float64)
    ridged = gram + 0.1 * np.trace(gram) / len(gram) * np.eye(len(gram))
    mean = cross @ np.linalg.solve(ridged, np.asarray(y, np.float64))
    variance = own - np.sum(cross * np.linalg.solve(ridged, cross.T).T, axis=1)
    np.testing.assert_allclose(fit.mean(new), mean, atol=300 * tolerance)
    np.testing.assert_allclose(fit.variance(new), variance, atol=300 * tolerance)
    whole = np.asarray(getattr(limit, kind)(new), np.float64)
    covariance = whole - cross @ np.linalg.solve(ridged, cross.T)
    np.testing.assert_allclose(fit.covariance(new), covariance, atol=300 * tolerance)


def test_vector_targets_are_fitted_column_by_column(tolerance):
    limit = hl.dual_limit(hypernetwork())
    u, y = data()
    both = jnp.stack([y, y**2], axis=1)
    fit = hl.regress(limit, u, both, ridge=0.1)
    assert fit.mean(u).shape == (20, 2)
    for column in range(2):
        alone = hl.regress(limit, u, both[:, column], ridge=0.1)
        assert alone.mean(u).shape == (20,)
        np.testing.assert_allclose(
            fit.mean(u)[:, column], alone.mean(u), atol=100 * tolerance
        )


def test_a_small_ridge_interpolates_and_leaves_little_variance():
    limit = hl.dual_limit(hypernetwork())
    u, y = data()
    fit = hl.regress(limit, u, y, ridge=1e-5)
    np.testing.assert_allclose(fit.mean(u), y, atol=5e-3)
    prior = limit.ntk_diagonal(u)
    assert (fit.variance(u) < 1e-3 * prior).all()
    assert (fit.variance(u) >= 0).all()
    far = (1e3 * u[0] + 7, u[1] - 3)
    assert (fit.variance(far) <= limit.ntk_diagonal(far) * (1 + 1e-6)).all()


def test_the_fitted_amplitude_maximises_the_likelihood():
    limit = hl.dual_limit(hypernetwork())
    u, y = data()
    fit = hl.regress(limit, u, y, ridge=0.1, amplitude="ml")
    gram = np.asarray(limit.ntk(u), np.float64)
    ridged = gram + 0.1 * np.trace(gram) / len(gram) * np.eye(len(gram))
    half = float(np.asarray(y, np.float64) @ np.linalg.solve(ridged, y))

    def likelihood(s):
        return -0.5 * (half / s + len(y) * np.log(s))

    best = likelihood(fit.amplitude)
    assert best >= likelihood(fit.amplitude * 1.01)
    assert best >= likelihood(fit.amplitude * 0.99)


def test_the_likelihood_is_a_gaussian_density(tolerance):
    limit = hl.dual_limit(hypernetwork())
    u, y = data()
    both = np.stack([y, y**2], axis=1).astype(np.float64)
    gram = np.asarray(limit.ntk(u), np.float64)
    ridged = gram + 0.1 * np.trace(gram) / len(gram) * np.eye(len(gram))
    for amplitude in (1.0, "ml"):
        fit = hl.regress(limit, u, jnp.asarray(both), ridge=0.1, amplitude=amplitude)
        normal = multivariate_normal(cov=fit.amplitude * ridged)
        assert fit.log_marginal_likelihood == pytest.approx(
            normal.logpdf(both.T).sum(), rel=300 * tolerance
        )
    nothing = hl.regress(limit, u, 0 * y, ridge=0.1, amplitude="ml")
    assert nothing.log_marginal_likelihood == np.inf


def test_a_plain_network_is_regressed_too():
    limit = hl.dual_limit(hl.mlp(depth=2, width=4, out=1, bias_std=1.0))
    x = jnp.linspace(-1.0, 1.0, 9)[:, None]
    fit = hl.regress(limit, x, jnp.sin(3 * x[:, 0]), ridge=1e-4)
    np.testing.assert_allclose(fit.mean(x), jnp.sin(3 * x[:, 0]), atol=0.05)


def test_numpy_arrays_are_taken():
    u, y = data()
    arrays = tuple(np.asarray(part) for part in u)
    fit = hl.regress(hl.dual_limit(hypernetwork()), arrays, np.asarray(y))
    assert fit.mean(arrays).shape == (20,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ridge": -1.0}, "ridge=-1.0"),
        ({"ridge": float("nan")}, "ridge=nan"),
        ({"kind": "rbf"}, "'rbf'"),
        ({"amplitude": 0.0}, "amplitude"),
        ({"targets": jnp.ones(19)}, "(19,)"),
        ({"targets": jnp.ones(20).at[3].set(jnp.nan)}, "index (3,)"),
        ({"inputs": (jnp.ones((20, 5)).at[4, 1].set(jnp.inf), jnp.ones((20, 2)))}, "x"),
        ({"inputs": (jnp.ones((20, 5)), jnp.ones((20, 2))), "ridge": 0.0}, "singular"),
    ],
)
def test_wrong_input_is_one_sentence(change, words, unchecked_types):
    u, y = data()
    given = {"inputs": u, "targets": y} | change
    with pytest.raises(hl.InputError) as caught:
        hl.regress(hl.dual_limit(hypernetwork()), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
