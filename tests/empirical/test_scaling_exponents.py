"""Exponents: of power laws that are known, counted in two ways, and of networks."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.empirical._log_slope import log_slope
from hyperlimit.empirical._power_counting import exponents_in_theory

KEY = jax.random.key(0)
PLAIN = hl.mlp(depth=3, width=1, out=1)
X, Z = jnp.ones((2, 3)), jnp.ones((2, 2))


def hypernetwork(meta_depth, primary_depth, **options):
    return hl.Hypernetwork(
        hl.mlp(depth=meta_depth, width=4),
        hl.mlp(depth=primary_depth, width=3, out=1, **options),
    )


def test_a_power_law_without_noise_is_found():
    widths = (8, 16, 64)
    sizes = np.array([[3 * width**-1.5] * 5 for width in widths])
    found = log_slope(widths, sizes, 0.9, np.random.default_rng(0))
    np.testing.assert_allclose(found, (-1.5, -1.5, -1.5))
    gone = log_slope(widths, 0 * sizes, 0.9, np.random.default_rng(0))
    assert np.isnan(gone).all()


def test_intervals_cover_as_often_as_they_say():
    """Half-normal samples of a known power law, 200 times over."""
    draw, widths, covered = np.random.default_rng(1), (16, 32, 64), 0
    for _ in range(200):
        noise = np.abs(draw.normal(size=(3, 60)))
        sizes = noise / np.array(widths)[:, None]
        found = log_slope(widths, sizes, 0.9, draw)
        covered += found.low <= -1 <= found.high
    # The standard error of the frequency is 0.02.
    assert 0.82 < covered / 200 < 0.97


@pytest.mark.parametrize("primary_depth", [2, 3, 4])
@pytest.mark.parametrize("meta_depth", [3, 4])
def test_powers_are_counted_as_in_the_closed_forms(meta_depth, primary_depth):
    spec, depth = hypernetwork(meta_depth, primary_depth), primary_depth
    last = depth * (meta_depth - 1) + 1
    for r in range(1, 7):
        meta, primary, both = (
            exponents_in_theory(spec, vary, 6)[r - 1]
            for vary in ("meta", "primary", "both")
        )
        if r > meta_depth * depth:
            assert meta == primary == both == -math.inf
            continue
        assert meta == min(0, depth - r)
        assert primary == min(0, last - r)
        if r <= last:
            assert both == max(1 - r, min(r, depth) / 2 - r)


def test_powers_of_a_plain_network_and_of_what_nobody_counted():
    assert exponents_in_theory(PLAIN, "network", 4) == (0, -1, -2, -math.inf)
    leaky = hl.mlp(depth=2, width=1, activation="leaky_relu", bias_std=0.1, out=1)
    assert exponents_in_theory(leaky, "network", 2) == (0, -1)
    smooth = hl.mlp(depth=2, width=1, activation="tanh", out=1)
    assert exponents_in_theory(smooth, "network", 2) == (None, None)
    own = hypernetwork(2, 2, weights_generated=[True, False])
    assert exponents_in_theory(own, "meta", 1) == (None,)
    normed = hl.Network((hl.Dense(4), hl.LayerNorm(), hl.Dense(1)))
    assert exponents_in_theory(normed, "network", 1) == (None,)


def test_sizes_are_those_of_networks_drawn_one_by_one():
    spec, widths = hypernetwork(2, 2), (3, 5)
    found = hl.scaling_exponents(
        spec, widths, u=(X, Z), order=2, seeds=4, vary="both", key=KEY
    )
    for index, width in enumerate(widths):
        keys = jax.random.split(jax.random.fold_in(KEY, index), 4)
        wide = hl.Hypernetwork(
            hl.mlp(depth=2, width=width), hl.mlp(depth=2, width=width, out=1)
        )
        net = hl.init(wide, key=keys[3], x=X, z=Z)
        terms = np.asarray(hl.taylor_terms(net, (X, Z), 2))
        expected = np.sqrt((terms**2).mean(axis=(1, 2)))
        np.testing.assert_allclose(found.sizes[:, index, 3], expected, rtol=1e-4)
    np.testing.assert_array_equal(found.medians, np.median(found.sizes, axis=2))
    low, high = found.median_intervals
    assert (low <= found.medians).all()
    assert (found.medians <= high).all()


def test_a_plain_network_and_its_table():
    found = hl.scaling_exponents(
        PLAIN, (16, 128), u=X, order=3, seeds=150, level=0.99, key=KEY
    )
    slopes = [exponent.slope for exponent in found.exponents]
    np.testing.assert_allclose(slopes, (0, -1, -2), atol=0.5)
    assert found.theory == (0, -1, -2)
    assert all(e.low <= e.slope <= e.high for e in found.exponents)
    lines = str(found).splitlines()
    assert len(lines) == 4
    assert "99% interval" in lines[0]
    assert "network widths 16 128" in lines[0]
    assert lines[3].split()[0] == "3"
    wrong = dataclasses.replace(found, theory=(None, 0.5, -2.0))
    assert wrong.agrees[:2] == (None, False)
    assert str(wrong).splitlines()[2].split()[5] == "no"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"widths": (4,)}, "widths=(4,)"),
        ({"seeds": 1}, "seeds=1"),
        ({"level": 1.0}, "level=1.0"),
        ({"vary": "meta"}, "vary='meta' was given for a Network"),
        ({"spec": hypernetwork(2, 2), "vary": "f"}, "'meta' or 'primary' or 'both'"),
        ({"widths": (0, 4)}, "width=0"),
        ({"spec": hl.mlp(depth=1, width=4, out=1)}, "no hidden layer"),
        ({"order": 9}, "order=9"),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    given = {"spec": PLAIN, "widths": (4, 8), "u": X, "key": KEY} | change
    with refuses(words):
        hl.scaling_exponents(given.pop("spec"), given.pop("widths"), **given)
