"""Powers and arc-cosine kernels against 60 digits; waves and exponentials too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import acos, cosh, diff, exp, fac, fac2, mp, mpf, pi, sin, sinh, sqrt

from hyperlimit.activations import (
    Cos,
    Exp,
    Gaussian,
    GaussianPair,
    Monomial,
    RectifiedMonomial,
    ReLU,
    Sin,
)
from hyperlimit.errors import InputError

GAPS = (1e-9, 1e-4, 0.03, 0.4, 0.99, 1.2, 1.7, 1.97)


def _arccosine(order, gap):
    """J_n / J_n(0) as Cho and Saul define it, by n derivatives in the angle."""
    with mp.workdps(120):
        theta = acos(1 - mpf(gap))
        function = [lambda t: (pi - t) / sin(t)]
        for _ in range(order):
            function.append(lambda t, f=function[-1]: diff(f, t) / sin(t))
        value = (-1) ** order * sin(theta) ** (2 * order + 1) * function[-1](theta)
        return value / (pi * fac2(2 * order - 1))


def _power(degree, gap):
    """E u^p v^p / (2p - 1)!! by Isserlis: k of the pairs are mixed."""
    with mp.workdps(60):
        total = sum(
            mpf(1 - mpf(gap)) ** k
            * fac(degree) ** 2
            / (fac(k) * (mpf(2) ** ((degree - k) // 2) * fac((degree - k) // 2)) ** 2)
            for k in range(degree % 2, degree + 1, 2)
        )
        return total / fac2(2 * degree - 1)


def _relative(found, exact) -> float:
    with mp.workdps(60):
        return float(abs(mpf(float(found)) / exact - 1))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_arccosine_kernels(order, epsilon):
    """Relatively, to opposite inputs, where the closed form has lost all digits."""
    activation = RectifiedMonomial(order)
    for gap in jnp.array(GAPS[1:]):
        kernel, exact = activation.angular(gap, order), _arccosine(order, float(gap))
        # The exponent n + 1/2 multiplies the rounding of 2 - gap.
        assert _relative(kernel[1], exact) < (order + 4) * 2 * epsilon
        with mp.workdps(60):
            assert _relative(kernel[0], 1 - exact) < 8 * epsilon


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5, 6, 12])
def test_power_kernels(degree, epsilon):
    for gap in jnp.array(GAPS):
        found = Monomial(degree).angular(gap, degree)
        exact = _power(degree, float(gap))
        # An odd power of rho has the relative error of 1 - gap, large at rho = 0.
        assert _relative(found[1], exact) < (degree + 4) * 2 * epsilon / abs(
            float(1 - gap)
        )
        with mp.workdps(60):
            assert _relative(found[0], 1 - exact) < 8 * epsilon


def test_degree_one_is_the_rectifier(tolerance):
    pair = GaussianPair(jnp.full(8, 1.3), jnp.full(8, 0.2), jnp.array(GAPS))
    one, other = RectifiedMonomial(1), ReLU()
    for found, expected in zip(
        jax.tree.leaves((one.propagate(pair), one.derivative_dual(pair))),
        jax.tree.leaves((other.propagate(pair), other.derivative_dual(pair))),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize("std", [0.01, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("gap", [0.0, 1e-9, 0.03, 1.0, 1.99, 2.0])
def test_an_exponential_errs_by_its_condition(std, gap, epsilon):
    pair = GaussianPair(*(jnp.array(number) for number in (std, std, gap)))
    with mp.workdps(60):
        a, held = mpf(float(pair.std_x)) ** 2, mpf(float(pair.gap))
        exact = exp(a * (2 - held))
        missing = 1 - exp(-a * held)
    bound = 4 * max(1.0, std**2) * epsilon
    assert _relative(Exp().dual(pair), exact) < bound
    after, _ = Exp().propagate(pair)
    if gap:
        # The gap is not the difference of two numbers near one.
        assert _relative(after.gap, missing) < 8 * epsilon


@pytest.mark.parametrize("gap", [1e-9, 1e-4, 0.5, 1.9])
def test_the_gap_of_a_bump_does_not_cancel(gap, epsilon):
    x, y, gap = jnp.array(0.7), jnp.array(0.7001), jnp.array(gap)
    after, _ = Gaussian().propagate(GaussianPair(x, y, gap))
    with mp.workdps(60):
        a, b = mpf(float(x)) ** 2, mpf(float(y)) ** 2
        c = mpf(float(x)) * mpf(float(y)) * (1 - mpf(float(gap)))
        ratio = sqrt((1 + 4 * a) * (1 + 4 * b)) / ((1 + 2 * a) * (1 + 2 * b) - 4 * c**2)
        exact = 1 - sqrt(ratio)
    assert _relative(after.gap, exact) < 16 * epsilon


@pytest.mark.parametrize("gap", [0.0, 1e-7, 1e-3, 0.01])
def test_waves_of_high_frequency(gap, epsilon):
    """E sin sin = exp(-(a + b)/2) sinh c, at frequency 30: the exponent is rounded."""
    std, gap = jnp.array(0.5), jnp.array(gap)
    pair = GaussianPair(std, std, gap)
    with mp.workdps(60):
        a = (30 * mpf(float(std))) ** 2
        c = a * (1 - mpf(float(gap)))
        exact = exp(-a) * sinh(c), 900 * exp(-a) * cosh(c)
    bound = (8 + 4 * float(a) * float(gap)) * epsilon
    assert _relative(Sin(30.0).dual(pair), exact[0]) < bound
    assert _relative(Sin(30.0).derivative_dual(pair), exact[1]) < bound
    assert _relative(Cos(30.0).dual(pair), exact[1] / 900) < bound
    assert _relative(Cos(30.0).derivative_dual(pair), exact[0] * 900) < bound


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Monomial(0), "degree=0"),
        (lambda: Monomial(25), "degree=25"),
        (lambda: RectifiedMonomial(-1), "degree=-1"),
        (lambda: Exp(0.0), "rate=0.0"),
        (lambda: Gaussian(float("inf")), "rate=inf"),
        (lambda: Sin(0.0), "frequency=0.0"),
        (lambda: Cos(float("nan")), "frequency=nan"),
    ],
)
def test_what_is_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()
