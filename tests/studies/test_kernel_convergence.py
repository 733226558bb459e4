"""Sampled kernels against networks, theory against both, and the quick study."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.stats import ks_2samp, kstest

import hyperlimit as hl
from hyperlimit.studies import Silent, run_study, study
from hyperlimit.studies.kernel_convergence._config import KernelConvergenceConfig
from hyperlimit.studies.kernel_convergence._drawn_kernel import drawn_kernels
from hyperlimit.studies.kernel_convergence._draws import (
    limit_by_angle,
    on_circle,
    specification,
    two_pairs,
)
from hyperlimit.studies.kernel_convergence._estimates import (
    interval,
    inverse_width_coefficient,
    largest_deviation,
    log_slope,
    relative_variance,
    resampled,
)
from hyperlimit.studies.kernel_convergence._features import Pairs
from hyperlimit.studies.kernel_convergence._gaussian_matrix import (
    basis,
    root,
    transposed,
)
from hyperlimit.studies.kernel_convergence._sampled_kernel import (
    sampled_kernels,
    sampled_meta_wide_kernels,
)
from hyperlimit.studies.kernel_convergence._theory import (
    meta_coefficient,
    primary_coefficient,
)

pytestmark = pytest.mark.study

# Three pairs, two of which share their x.
PAIRS = Pairs(
    on_circle(np.array([0.0, 60.0])),
    on_circle(np.array([0.0, 50.0, 120.0])),
    jnp.array([0, 1, 1]),
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("kernel-convergence")
    return out, run_study(study("kernel-convergence"), out, Silent(), quick=True)


def row(results, start):
    (found,) = [r for r in results["findings"] if r["what"].startswith(start)]
    return found


def test_the_variance_falls_only_along_both_widths(quick):
    found = quick[1]
    # Four standard errors of 200 draws are 0.5.
    for entry in ("K(u, u)", "K(u, u')"):
        slope = row(found, f"relative variance of {entry}: slope along n = m")
        assert slope["measured"] == pytest.approx(-1, abs=0.5)
    for along in ("n at m = 16", "m at n = 128"):
        slope = row(found, f"relative variance of K(u, u): slope along {along}")
        assert slope["measured"] == pytest.approx(slope["expected_number"], abs=0.35)
        assert abs(slope["expected_number"]) < 0.3


def test_the_coefficients_are_measured(quick):
    for start, spread in (("a of relative", 0.35), ("c of the same", 0.15)):
        found = row(quick[1], start)
        assert found["measured"] == pytest.approx(found["expected_number"], rel=spread)
        low, high = found["interval"]
        assert low < found["measured"] < high


def test_the_mean_is_the_limit(quick):
    assert row(quick[1], "mean kernel, m = 256")["measured"] < 5
    for name in ("own_entry", "pair_entry"):
        entry = quick[1]["data"][name]
        (widest,) = [c for c in entry["cells"] if c["n"] == c["m"] == 2048]
        # Four standard errors of 200 draws are 5%, and the mean is 1% too large.
        assert widest["mean"] == pytest.approx(entry["limit"], rel=0.06)


def test_the_files_hold_what_the_figure_shows(quick):
    stored = json.loads((quick[0] / "results.json").read_text())["data"]
    config = study("kernel-convergence").quick
    cells = {(cell["n"], cell["m"]) for cell in stored["own_entry"]["cells"]}
    assert {(n, n) for n in config.diagonal} <= cells
    assert len(stored["angles"]["limit"]) == 181
    curve = stored["angles"]["curves"][str(config.angle_widths[-1])]
    assert len(curve["mean"]) == config.angles


def test_sampled_kernels_have_the_law_of_networks():
    """At widths so small that every term counts, and with spare rows."""
    depths, widths, count = (3, 3), (5, 3), 3000
    sampled = sampled_kernels(
        jax.random.key(0),
        PAIRS,
        jnp.asarray(widths),
        depths=depths,
        count=count,
        rows=7,
    )
    spec = specification(*depths, widths)
    drawn = drawn_kernels(jax.random.key(1), PAIRS, spec=spec, count=count)
    assert sampled.shape == drawn.shape == (count, 3, 3)
    for i in range(3):
        for j in range(i + 1):
            law = ks_2samp(np.asarray(sampled[:, i, j]), np.asarray(drawn[:, i, j]))
            assert law.pvalue > 1e-4, (i, j)


def test_drawn_kernels_are_sums_over_all_weights(epsilon):
    """The same networks in forward mode, one flat vector of weights."""
    spec, count = specification(2, 3, (4, 3)), 2
    found = drawn_kernels(jax.random.key(3), PAIRS, spec=spec, count=count)

    def brute(key):
        flat, unflatten = ravel_pytree(hl.init(spec, key=key, x=2, z=2))

        def outputs(flat):
            return jax.vmap(unflatten(flat))(PAIRS.x[PAIRS.of], PAIRS.z)[:, 0]

        return jax.jacfwd(outputs)(flat)

    for kernel, key in zip(
        found, jax.random.split(jax.random.key(3), count), strict=True
    ):
        rows = jax.jit(brute)(key)
        close = 1e3 * epsilon * float(jnp.max(kernel))
        np.testing.assert_allclose(kernel, rows @ rows.T, atol=close)


@pytest.mark.long
def test_the_leading_order_of_the_relative_variance():
    """The standard error of 4,000 draws is some 3%; what is left out, some 3%."""
    depths = (2, 4)
    width, pairs = 2048, Pairs(on_circle(0.0), on_circle(0.0), jnp.zeros(1, int))
    kernels = sampled_kernels(
        jax.random.key(0),
        pairs,
        jnp.asarray([width, width]),
        depths=depths,
        count=4000,
        rows=width,
    )
    measured = width * relative_variance(np.asarray(kernels[:, 0, 0], np.float64))
    expected = meta_coefficient(*depths) + primary_coefficient(depths[1])
    assert measured == pytest.approx(expected, rel=0.12)
    assert kernels.mean() == pytest.approx(depths[0] * depths[1], rel=0.03)


def test_meta_wide_kernels_settle_on_the_limit():
    """Two different x, where the limit has K_f and Theta_f below one."""
    depths, pairs = (3, 3), two_pairs(60.0)
    limit = hl.dual_limit(specification(*depths))
    expected = limit.ntk((pairs.x, pairs.z))
    meta = hl.dual_limit(hl.mlp(depth=depths[0], width=1, out=1)).kernels(pairs.x)
    kernels = sampled_meta_wide_kernels(
        jax.random.key(0),
        pairs,
        (meta.nngp, meta.ntk),
        jnp.asarray(256),
        depth=depths[1],
        count=800,
        rows=256,
    )
    error = kernels.std(axis=0) / len(kernels) ** 0.5
    assert np.all(np.abs(kernels.mean(axis=0) - expected) < 4 * error)
    assert np.all(error < 0.02 * expected)


def test_the_limit_by_angle(tolerance):
    """Theta_f Phi written out in NumPy, for equal x: K_f = 1 and Theta_f = L."""
    config = KernelConvergenceConfig(meta_depth=2, primary_depth=4)
    correlation = np.cos(np.radians(np.arange(181.0)))
    phi = correlation
    for _ in range(config.primary_depth - 1):
        angle = np.arccos(np.clip(correlation, -1, 1))
        slope = (np.pi - angle) / np.pi
        correlation = (np.sin(angle) + (np.pi - angle) * correlation) / np.pi
        phi = correlation + phi * slope
    # Near equal inputs arccos doubles the digits that rounding takes.
    close = 20 * tolerance**0.5
    np.testing.assert_allclose(limit_by_angle(config), 2 * phi, atol=close)


def test_bases_and_roots(tolerance):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(9, 4))
    features[:, 2] = features[:, 0] - 2 * features[:, 1]
    found = basis(jnp.asarray(features))
    expected = np.diag([1.0, 1.0, 0.0, 1.0])
    np.testing.assert_allclose(found.T @ found, expected, atol=tolerance)
    np.testing.assert_allclose(
        found @ (found.T @ features), features, atol=10 * tolerance
    )
    gram = jnp.asarray(features.T @ features)
    upper = root(gram)
    np.testing.assert_array_equal(upper, jnp.triu(upper))
    np.testing.assert_allclose(upper.T @ upper, gram, atol=100 * tolerance)
    np.testing.assert_array_equal(root(jnp.zeros((2, 2))), 0)


def test_a_matrix_is_used_backward_as_it_was_used_forward(tolerance):
    """What is known of W stays, and the rest is of the right covariance."""
    rng = np.random.default_rng(0)
    seen = basis(jnp.asarray(rng.normal(size=(6, 2))))
    weights, errors = rng.normal(size=(5, 6)), rng.normal(size=(5, 2))
    known = seen.T @ weights.T @ errors
    upper = root(jnp.asarray(errors.T @ errors))
    keys = jax.random.split(jax.random.key(0), 4000)
    backs = jax.vmap(
        lambda key: transposed(jax.random.normal(key, (6, 2)), seen, known, upper)
    )(keys)
    np.testing.assert_allclose(
        jnp.einsum("nc,snk->sck", seen, backs),
        jnp.broadcast_to(known, (4000, 2, 2)),
        atol=100 * tolerance,
    )
    rest = np.asarray(backs) - np.asarray(seen @ known)
    found = np.einsum("sni,smj->nimj", rest, rest) / len(rest)
    unseen = np.eye(6) - np.asarray(seen @ seen.T)
    expected = np.einsum("nm,ij->nimj", unseen, errors.T @ errors)
    np.testing.assert_allclose(found, expected, atol=0.6)
    assert kstest(rest[:, 0, 0] / rest[:, 0, 0].std(), "norm").pvalue > 1e-3


def test_estimates_of_exact_power_laws():
    widths = np.array([4, 16, 64])
    values = 3.0 / widths**0.7
    assert log_slope(widths, values) == pytest.approx(-0.7)
    both = np.stack([values, 2 * values**2], axis=1)
    np.testing.assert_allclose(log_slope(widths, both), [-0.7, -1.4])
    exact = inverse_width_coefficient(
        widths.astype(float), 5.0 / widths, np.array([1.0, 0.5, 0.1])
    )
    assert exact == pytest.approx(5.0)


def test_the_interval_of_a_relative_variance_covers():
    rng = np.random.default_rng(0)
    truth, hits = 0.25, 0
    for _ in range(100):
        low, high = interval(resampled(2 + rng.normal(size=100), rng))
        hits += low < truth < high
    # A bootstrap of 100 draws covers somewhat less than 95%.
    assert 84 <= hits <= 99


def test_a_shifted_mean_is_found_and_no_other():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(400, 5)) + rng.normal(size=(400, 1))
    largest, critical = largest_deviation(draws, np.zeros(5), rng)
    assert largest < critical
    # Between one correlated test and five independent ones.
    assert 2.576 < critical < 3.3
    shifted = np.array([0.0, 0.0, 0.4, 0.0, 0.0])
    largest, critical = largest_deviation(draws, shifted, rng)
    assert largest > critical
