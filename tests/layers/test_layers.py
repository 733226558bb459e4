"""Layers one by one: closed forms, features that converge, and refusals."""

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.activations import AbstractActivation, Custom
from hyperlimit.layers import KernelState
from laws.layer_laws import COVARIANCE, META_NNGP, META_NTK, state_of


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("biases", [False, True])
def test_a_dense_layer_is_its_recursion(weights, biases, tolerance):
    layer = hl.Dense(4, weight_std=1.3, bias_std=0.6)
    tangent = 1.7 * COVARIANCE
    meta = state_of(META_NNGP, META_NTK)
    sources = {"weight": meta if weights else None, "bias": meta if biases else None}
    after = layer.limit(state_of(COVARIANCE, tangent), sources)
    kw, tw = (META_NNGP, META_NTK) if weights else (1, 1)
    kb, tb = (META_NNGP, META_NTK) if biases else (1, 1)
    w, b = 1.3**2, 0.6**2
    np.testing.assert_allclose(after.nngp, w * kw * COVARIANCE + b * kb, rtol=tolerance)
    expected = w * (kw * tangent + tw * COVARIANCE) + b * tb
    np.testing.assert_allclose(after.ntk, expected, rtol=tolerance)


def test_biases_of_scale_zero_do_not_exist():
    assert [p.name for p in hl.Dense(3).parameters(2)] == ["weight"]
    assert set(hl.Dense(3, biases_generated=True).generated()) == {"weight"}


@pytest.mark.parametrize("seed", [None, 5])
def test_features_keep_the_digits_of_near_coordinates(seed, tolerance):
    """A gap of |z - z'|^2 / 2 b^2, far below the spacing of numbers at one."""
    features = hl.FourierFeatures(bandwidth=2.0, count=4000, seed=seed)
    step = 2.0**-20
    rows = features.prepare(jnp.asarray([[0.0, 0.0], [step, 0.0]], float))
    gap = float(features.gram_state(rows, rows).pair.gap[0, 1])
    if seed is None:
        assert gap == pytest.approx(step**2 / 8, rel=tolerance)
    elif jnp.zeros(()).dtype == jnp.float64:
        # A sum over 4000 frequencies, each of relative variance two.
        assert gap == pytest.approx(step**2 / 8, rel=5 * (2 / 4000) ** 0.5)


def test_explicit_features_approach_their_limit():
    z = jnp.asarray(np.random.default_rng(0).standard_normal((12, 2)), float)
    limit = hl.FourierFeatures(bandwidth=1.0)
    exact = limit.gram_state(limit.prepare(z), limit.prepare(z)).nngp
    errors = []
    for count in (64, 4096):
        features = hl.FourierFeatures(bandwidth=1.0, count=count, seed=1)
        rows = features.prepare(z)
        found = features.gram_state(rows, rows).nngp
        errors.append(float(jnp.sqrt(jnp.mean((found - exact) ** 2))))
        # cos(w . (z - z')) varies by at most 1/2, one in each frequency.
        assert errors[-1] < 2 * (0.5 / count) ** 0.5
    assert errors[0] > 3 * errors[1]


def test_seeded_features_are_the_same_in_both_readings():
    features = hl.FourierFeatures(bandwidth=1.0, count=8, seed=4)
    z = jnp.asarray(np.random.default_rng(0).standard_normal((3, 2)), float)
    drawn = [features.draw(2, key) for key in jnp.arange(2, dtype=jnp.uint32)]
    np.testing.assert_array_equal(*drawn)
    rows = features.prepare(z)
    maps = jnp.stack([features.apply(drawn[0], row) for row in z])
    found = features.gram_state(rows, rows).nngp
    np.testing.assert_allclose(found, maps @ maps.T / 16, rtol=0, atol=1e-6)


def test_scales_beyond_the_type_are_kept_in_exponents(tolerance):
    """A product of 1e-200 and 1e200, through sixty generated layers, is one."""
    state = state_of(np.ones((1, 1)), np.zeros((1, 1))).with_exponents()
    large, small = (
        KernelState(state.pair.rescaled(factor), state.tangent + 1)
        for factor in (2.0**30, 2.0**-30)
    )
    for _ in range(60):
        state = state.times(large)
    assert jnp.isinf(state.nngp).all()
    for _ in range(60):
        state = state.times(small)
    np.testing.assert_allclose(state.nngp, 1, rtol=tolerance)
    np.testing.assert_allclose(state.ntk, 120, rtol=tolerance)


def test_scales_without_exponents_saturate():
    state = state_of(np.ones((1, 1)), np.zeros((1, 1)))
    large = KernelState(state.pair.rescaled(2.0**30), state.tangent)
    for _ in range(60):
        state = state.times(large)
    assert jnp.isfinite(state.nngp).all()
    assert state.nngp[0, 0] > 1e30


REFUSED = {
    "width=0 is not a width: give at least 1.": lambda: hl.Dense(0),
    "weight_std=0.0 must be positive and finite": lambda: hl.Dense(3, weight_std=0.0),
    "weight_std=-1.0 must be positive": lambda: hl.Dense(3, weight_std=-1.0),
    "weight_std=nan must be positive": lambda: hl.Dense(3, weight_std=float("nan")),
    "bias_std=-0.5 must be finite and at least 0": lambda: hl.Dense(3, bias_std=-0.5),
    "bias_std=inf must be finite": lambda: hl.Dense(3, bias_std=float("inf")),
    "no width: give out=... to mlp": lambda: hl.Dense().out_size(3),
    "bandwidth=0.0 must be positive": lambda: hl.FourierFeatures(0.0),
    "bandwidth=inf must be positive and finite": lambda: hl.FourierFeatures(
        float("inf")
    ),
    "count=0 must be at least 1.": lambda: hl.FourierFeatures(1.0, count=0),
    "has second moment 0.0 under N(0, 1)": lambda: hl.Elementwise(
        Custom(jnp.zeros_like)
    ),
    "has second moment inf under N(0, 1)": lambda: hl.Elementwise(
        Custom(lambda z: jnp.full_like(z, jnp.inf))
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused(sentence, refuses):
    with refuses(sentence):
        REFUSED[sentence]()


def test_any_activation_fits_a_layer():
    layer = hl.Elementwise(hl.activation("sin"))
    assert isinstance(layer.activation, AbstractActivation)
    assert layer.out_size(7) == 7
    assert layer.parameters(7) == ()
