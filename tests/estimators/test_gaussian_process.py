"""Posteriors against scikit-learn's own Gaussian process, given the kernel."""

import numpy as np
import pytest

from estimators.tables import gridded, peer, sampled
from hyperlimit.estimators import HyperkernelGP, HyperkernelRegressor

META = [0, 1]
NEW, _ = sampled(11, seed=1)
# The table is in float64 and so are the numbers, whatever JAX's default is.
EXACT = {"rtol": 1e-8, "atol": 1e-8}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"amplitude": 0.7, "normalize_y": False},
        {"kind": "ntk", "bandwidth": 1.5, "activation": "erf", "bias_std": 0.1},
    ],
    ids=lambda settings: ",".join(settings) or "default",
)
@pytest.mark.parametrize("outputs", [None, 2])
def test_mean_deviation_covariance_and_likelihood(settings, outputs):
    X, y = sampled(outputs=outputs)
    if outputs:
        y[:, 1] *= 30
    model = HyperkernelGP(META, ridge=0.05, **settings).fit(X, y)
    expected = peer(model, X, y)
    mean, deviation = expected.predict(NEW, return_std=True)
    covariance = expected.predict(NEW, return_cov=True)[1]
    found = model.predict(NEW, return_std=True)
    np.testing.assert_allclose(model.predict(NEW), mean, **EXACT)
    np.testing.assert_allclose(found[0], mean, **EXACT)
    np.testing.assert_allclose(found[1], deviation, **EXACT)
    both = model.predict(NEW, return_cov=True)
    np.testing.assert_allclose(both[0], mean, **EXACT)
    np.testing.assert_allclose(both[1], covariance, **EXACT)
    assert model.log_marginal_likelihood_value_ == pytest.approx(
        expected.log_marginal_likelihood_value_, rel=1e-8
    )


def test_the_regressor_predicts_the_mean():
    X, y = sampled()
    model = HyperkernelRegressor(META, ridge=0.05).fit(X, y)
    np.testing.assert_allclose(
        model.predict(NEW), peer(model, X, y).predict(NEW), **EXACT
    )
    same = HyperkernelGP(META, ridge=0.05, kind="ntk").fit(X, y)
    np.testing.assert_allclose(same.predict(NEW), model.predict(NEW), **EXACT)


def test_the_fitted_amplitude_is_the_most_likely():
    X, y = sampled()
    best = HyperkernelGP(META, ridge=0.05).fit(X, y)
    for factor in (0.95, 1.05):
        other = HyperkernelGP(META, ridge=0.05, amplitude=factor * best.amplitude_)
        other.fit(X, y)
        assert (
            other.log_marginal_likelihood_value_ < best.log_marginal_likelihood_value_
        )


def test_targets_that_do_not_vary_leave_the_prior_alone():
    X, _ = sampled()
    model = HyperkernelGP(META).fit(X, np.full(len(X), 0.1))
    mean, deviation = model.predict(NEW, return_std=True)
    np.testing.assert_array_equal(mean, 0.1)
    assert model.amplitude_ == 1
    assert np.isfinite(model.log_marginal_likelihood_value_)
    assert (deviation > 0).any()


def test_samples_have_the_moments_of_the_posterior():
    X, y = sampled(outputs=2)
    y[:, 1] *= 3
    model = HyperkernelGP(META, ridge=0.05).fit(X, y)
    mean, covariance = model.predict(NEW, return_cov=True)
    drawn = model.sample_y(NEW, 4000, random_state=1)
    assert drawn.shape == (11, 2, 4000)
    spread = np.sqrt(np.einsum("iik->ik", covariance))
    # Standard errors of 4,000 samples are 0.016 of a deviation, and 0.022.
    assert np.abs((drawn.mean(2) - mean) / spread).max() < 0.08
    for k in range(2):
        unit = spread[:, k, None] * spread[None, :, k]
        assert np.abs((np.cov(drawn[:, k]) - covariance[:, :, k]) / unit).max() < 0.1
    across = np.corrcoef(drawn[0])[0, 1]
    assert abs(across) < 0.08
    flat = HyperkernelGP(META, ridge=0.05).fit(X, y[:, 0])
    assert flat.sample_y(NEW).shape == (11, 1)
    again = flat.sample_y(NEW, 3, np.random.RandomState(5))
    np.testing.assert_array_equal(again, flat.sample_y(NEW, 3, 5))


def test_a_grid_keeps_no_covariance(refuses):
    X, y, _ = gridded()
    model = HyperkernelGP(META, solver="grid").fit(X, y)
    assert np.isnan(model.log_marginal_likelihood_value_)
    with refuses("return_cov", "solver='grid'", "solver='dense'"):
        model.predict(X, return_cov=True)
    with refuses("sample_y", "solver='dense'"):
        model.sample_y(X)
    with refuses("return_std=True and return_cov=True"):
        model.predict(X, return_std=True, return_cov=True)
