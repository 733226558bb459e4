"""The references against quadrature, hand-computed values and sampled networks."""

import math

import numpy as np
import pytest
from mpmath import diff, isfinite, mp, mpf, pi, sqrt

from references import mp_kernels
from references.monte_carlo import ACTIVATIONS, finite, infinite_f, second_moment
from references.mp_kernels import Meta, Primary, dual, kernels, meta_kernels

_RNG = np.random.default_rng(2)


def _pair(dim, ratio):
    """Two vectors of correlation .6, of mean square 1.1 and 1.1 / ratio."""
    q, _ = np.linalg.qr(_RNG.standard_normal((dim, 2)))
    sides = math.sqrt(1.1 * dim) * q @ np.array([[1.0, 0.6], [0.0, 0.8]])
    return sides[:, 0], sides[:, 1] / math.sqrt(ratio)


(X1, X2), (Z1, Z2) = _pair(5, 1.5), _pair(3, 1.3)
POINTS = (X1, Z1, X2, Z2)

# |q|^2 = 4 exactly, and at these angles to the first.
UNIT, AT_60, AT_90, AT_120 = (
    (1, 1, 1, 1),
    (1, 1, 1, -1),
    (1, 1, -1, -1),
    (1, -1, -1, -1),
)

COVARIANCES = [
    (0.7, 0.31, 2.3),
    (1.9, -0.8, 0.45),
    (0.3, 0.52, 1.1),  # correlation .905
    (0.6, -1.2, 2.5),  # -.98
    (0.5, 1.0, 2.0),  # 1
    (0.5, -1.0, 2.0),  # -1
]


def _quadrature(function, a, c, b):
    """E function(u) function(v), split at the kinks u = 0 and v = 0.

    u = sqrt(a) g and v = c g / sqrt(a) + s h with g, h independent.
    """
    nodes, weights = np.polynomial.legendre.leggauss(160)
    end, s = 10.0, math.sqrt(max(b - c * c / a, 0.0))

    def pieces(kink):
        for low, high in ((-end, kink), (kink, end)):
            half = (high - low) / 2
            at = (low + high) / 2 + half * nodes
            yield at, half * weights * np.exp(-at * at / 2) / math.sqrt(2 * math.pi)

    total = 0.0
    for g, g_weights in pieces(0.0):
        mean = (c / math.sqrt(a) * g)[:, None]
        kink = np.clip(-mean / s, -end, end) if s else np.zeros_like(mean)
        for h, h_weights in pieces(kink):
            inner = (h_weights * function(mean + s * h)).sum(1)
            total += (g_weights * function(math.sqrt(a) * g)) @ inner
    return total


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_duals_are_the_integrals(name):
    moment = second_moment(name)
    for a, c, b in COVARIANCES:
        for closed, function in zip(
            dual(name, a, c, b), ACTIVATIONS[name], strict=True
        ):
            assert float(closed) == pytest.approx(
                _quadrature(function, a, c, b) / moment, rel=1e-12, abs=1e-13
            )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_dual_is_the_slope_of_the_dual(name):
    with mp.workdps(60):
        for a, c, b in COVARIANCES[:4]:
            slope = diff(lambda t, a=a, b=b: dual(name, a, t, b)[0], c)
            if name == "step":
                # Its derivative is meant almost everywhere; the jump, squared and
                # divided by the moment 1/2, adds the density at zero.
                slope -= 1 / (pi * sqrt(mpf(a) * b - mpf(c) ** 2))
            assert abs(slope - dual(name, a, c, b)[1]) < mpf("1e-25")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_have_unit_second_moment(name):
    assert abs(dual(name, 1, 1, 1)[0] - 1) < mpf("1e-100")


@pytest.mark.parametrize(
    ("depth", "layers"), [(1, 1), (2, 2), (3, 2), (3, 6), (128, 128)]
)
def test_unit_inputs_give_one_and_the_product_of_the_depths(depth, layers):
    point = (UNIT, AT_120)
    assert kernels(*point, *point, Meta(depth), Primary(layers)) == (1, depth * layers)


def _assert_equal(found, expected, digits="1e-48"):
    with mp.workdps(60):
        for one, other in zip(found, expected, strict=True):
            assert abs(one - other) <= mpf(digits) * max(abs(other), mpf("1e-50"))


def _times(factor, pair):
    with mp.workdps(60):
        return [mpf(factor) * value for value in pair]


def test_hand_computed_depth_two():
    meta, primary = Meta(2), Primary(2)
    with mp.workdps(60):
        # x = x': K_f = 1 and Theta_f = 2. k1(1/2) = sqrt 3 / 2 pi + 1/3, k0(1/2) = 2/3.
        same, k1 = (UNIT, UNIT), sqrt(3) / (2 * pi) + mpf(1) / 3
        at_60 = kernels(*same, UNIT, AT_60, meta, primary)
        _assert_equal(at_60, (k1, 2 * (k1 + mpf(1) / 3)))
        at_90 = kernels(*same, UNIT, AT_90, meta, primary)
        _assert_equal(at_90, (1 / pi, 2 / pi))
        # x at 120 degrees: K_f = k1(-1/2), Theta_f = K_f - k0(-1/2)/2, k0(-1/2) = 1/3.
        f = meta_kernels(UNIT, AT_120, meta)
        k_f = sqrt(3) / (2 * pi) - mpf(1) / 6
        _assert_equal((f.cross, f.tangent), (k_f, k_f - mpf(1) / 6))
        # x at 90 degrees: K_f = Theta_f = 1/pi, and z = z': Lambda = 1/pi.
        c = 1 / pi
        k1 = (sqrt(1 - c * c) + c * (pi - mp.acos(c))) / pi
        k0 = (pi - mp.acos(c)) / pi
        at_90 = kernels(UNIT, UNIT, AT_90, UNIT, meta, primary)
        _assert_equal(at_90, (k1 / pi, (k1 + k0 / pi) / pi))


def test_hand_computed_linear_networks():
    points = (UNIT, UNIT, AT_60, AT_120)  # S = 1/2 and Sigma^0 = -1/2
    meta = Meta(2, "identity")  # K_f = 1/2, Theta_f = 1
    mixed = Primary(2, "identity", generated=(True, False))
    # K = K_f Sigma, T = Theta_f Sigma + K_f Sigma.
    assert kernels(*points, meta, mixed) == (-0.25, -0.75)
    biased = Primary(1, bias_std=3, weight_std=2, bias_generated=(False,))
    # 4 K_f Sigma + 9 and 4 Theta_f Sigma + 9.
    assert kernels(*points, meta, biased) == (8, 7)
    shift = Primary(1, bias_std=3, generated=(False,), bias_generated=(True,))
    # Sigma + 9 K_f and Sigma + 9 Theta_f.
    assert kernels(*points, meta, shift) == (4, 8.5)


def test_the_answer_does_not_depend_on_the_working_precision(monkeypatch):
    near = np.nextafter(X1, 9.0)
    pairs = [
        (X1, Z1, near, Z1),
        (X1, Z1, 3 * X1, -3 * Z1),
        (X1 * 1e-8, Z1 * 1e8, X2 * 1e8, Z2 * 1e-8),
        (X1 * 1e8, Z1 * 1e8, near * 1e8, Z1 * 1e8),
    ]
    cases = [
        (pair, Meta(depth, name, 1.3, bias), Primary(depth, name, 1.3, bias))
        for pair in pairs
        for name in ACTIVATIONS
        for depth, bias in ((3, 0.0), (12, 0.4))
        if name != "exp"
    ]
    # An exponential of an exponential of 1e8 has no digits that could be held.
    exponential = Meta(12, "exp", 0.75, 0.25), Primary(12, "exp", 0.75, 0.25)
    cases += [(pair, *exponential) for pair in (POINTS, pairs[0])]
    found = [kernels(*pair, *nets) for pair, *nets in cases]
    monkeypatch.setattr(mp_kernels, "WORKING_DIGITS", 400)
    for (pair, *nets), values in zip(cases, found, strict=True):
        assert all(map(isfinite, values))
        _assert_equal(values, kernels(*pair, *nets))


def test_relu_without_biases_is_homogeneous():
    nets = Meta(128), Primary(3)
    base = kernels(X1, Z1, X2, Z2, *nets)
    for scale in (2.0**-27, 2.0**27):  # exact in floats
        scaled = kernels(scale * X1, Z1, X2, Z2, *nets)
        # f is linear in the size of x, and h of degree H in it.
        _assert_equal(scaled, _times(scale**3, base))
    whole = (1.0, 2.0, -3.0, 1.0)
    three = tuple(3 * entry for entry in whole)
    once = kernels(whole, UNIT, whole, UNIT, *nets)
    _assert_equal(kernels(whole, UNIT, three, UNIT, *nets), _times(27, once))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_zero_vectors(name):
    zero = np.zeros(5)
    plain, biased = (
        (Meta(3, name, 1.0, std), Primary(3, name, 1.0, std)) for std in (0.0, 0.5)
    )
    for points in ((zero, Z1, X2, Z2), (X1, zero[:3], X2, Z2), (zero, Z1, zero, Z1)):
        assert all(map(isfinite, kernels(*points, *plain)))
        assert all(map(isfinite, kernels(*points, *biased)))
        if name not in ("cos", "exp", "gaussian"):  # which are not 0 at 0
            assert kernels(*points, *plain) == (0, 0)


def _generated_relu(depth, layers, chained):
    """K^h = Theta_f Phi^H, Phi^{l+1} = Sigma^l + Phi^l dualdot(Lambda^l) K_f.

    With `chained` false, the backward chain leaves K_f out: the mistake to catch.
    """
    f = meta_kernels(X1, X2, Meta(depth))
    sigma = meta_kernels(Z1, Z2, Meta(1))[:3]
    phi = sigma[1]
    for _ in range(layers - 1):
        a, c, b = (k * s for k, s in zip(f[:3], sigma, strict=True))
        value, derivative = dual("relu", a, c, b)
        sigma = dual("relu", a, a, a)[0], value, dual("relu", b, b, b)[0]
        phi = value + phi * derivative * (f.cross if chained else 1)
    return f.cross * sigma[1], f.tangent * phi


def _errors_away(estimate, exact):
    """How many standard errors lie between (mean, error) and the exact values."""
    mean, error = estimate
    return np.abs(mean - np.array([float(value) for value in exact])) / error


@pytest.mark.parametrize(
    ("layers", "seeds"),
    [(2, 150), (3, 200), pytest.param(6, 260, marks=pytest.mark.long)],
)
def test_generated_relu_needs_k_f_in_the_backward_chain(layers, seeds):
    nets = Meta(3), Primary(layers)
    mean, error = infinite_f(*POINTS, *nets, width=512, seeds=range(seeds))
    exact = kernels(*POINTS, *nets)
    assert (error / np.abs(mean)).max() < 0.015
    assert _errors_away((mean, error), exact).max() < 4
    with mp.workdps(60):
        _assert_equal(_generated_relu(3, layers, chained=True), exact)
        wrong = _generated_relu(3, layers, chained=False)
    assert _errors_away((mean, error), wrong)[1] > 8


META = Meta(3, "relu", 1.1, 0.3)
LAYERWISE = {
    "mixed": Primary(3, "relu", generated=(True, False, True)),
    "own ends": Primary(3, "leaky_relu", 1.2, 0.4, (False, True, False)),
    "own biases": Primary(3, "relu", 1.2, 0.4, (True,) * 3, (False,) * 3),
    "first biases only": Primary(
        3, "relu", 1.2, 0.4, (False,) * 3, (True, False, False)
    ),
    "erf": Primary(3, "erf", 1.3, 0.4),
    "sin": Primary(3, "sin", 0.7, 0.4, bias_generated=(True, False, True)),
    "cos": Primary(3, "cos", 0.7, 0.4),
    "gelu": Primary(3, "gelu", 1.2, 0.0, (False, True, True)),
}


@pytest.mark.parametrize("name", LAYERWISE)
def test_sampled_primaries_of_an_infinite_f(name):
    primary = LAYERWISE[name]
    mean, error = infinite_f(*POINTS, META, primary, width=512, seeds=range(150))
    exact = kernels(*POINTS, META, primary)
    assert (error / np.abs(mean)).max() < 0.02
    assert _errors_away((mean, error), exact).max() < 4


FINITE = {
    # One layer of g is f itself, each entry seen through z: this checks f's kernels.
    "f, relu": (Meta(3, "relu", 1.2, 0.3), Primary(1), 512, 1, 100),
    "f, leaky relu": (Meta(2, "leaky_relu", 1.2, 0.3), Primary(1), 512, 1, 100),
    "f, erf": (Meta(3, "erf", 1.2, 0.3), Primary(1), 512, 1, 100),
    "f, sin": (Meta(3, "sin", 1.2, 0.3), Primary(1), 512, 1, 100),
    "f, gelu": (Meta(3, "gelu", 1.2, 0.3), Primary(1), 512, 1, 100),
    "generated": (Meta(3), Primary(3), 512, 32, 250),
    "mixed": (META, LAYERWISE["mixed"], 512, 32, 150),
    "own biases": (META, LAYERWISE["own biases"], 512, 32, 150),
    "first biases only": (META, LAYERWISE["first biases only"], 512, 128, 100),
    "erf": (Meta(2, "erf", 1.2, 0.3), LAYERWISE["erf"], 512, 32, 250),
}


@pytest.mark.parametrize("name", FINITE)
def test_sampled_hypernetworks(name):
    meta, primary, *widths, seeds = FINITE[name]
    mean, error = finite(*POINTS, meta, primary, *widths, seeds=range(seeds))
    exact = kernels(*POINTS, meta, primary)
    assert (error / np.abs(mean)).max() < 0.08
    assert _errors_away((mean, error), exact).max() < 4
