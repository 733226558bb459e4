"""The polynomials of the arc-cosine kernels against 400 digits."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import asin, mp, mpf, pi, sqrt

from hyperlimit.activations import arccosine

TYPES = [
    np.float32,
    pytest.param(np.float64, marks=pytest.mark.float64_only),
]


def _gaps(kind) -> np.ndarray:
    """All of [0, 2], crowded at its ends and about 1, where the branch changes."""
    info = np.finfo(kind)
    smallest = int(np.log10(info.tiny)) + 1
    return np.concatenate(
        [
            np.linspace(0, 2, 1001),
            10.0 ** np.arange(smallest, 0),
            2.0 ** -np.arange(60),
            2 - 2.0 ** -np.arange(info.nmant),
            1 + np.array([-1, 1]) * info.eps,
        ]
    ).astype(kind)


@functools.cache
def _exact(kind) -> list:
    """1 - kappa_1 and kappa_0, at digits enough to subtract at the smallest gap."""
    found = []
    with mp.workdps(400):
        for gap in _gaps(kind):
            d = mpf(float(gap))
            angle = 2 * asin(sqrt(d / 2))
            rise = (1 - d) * (pi - angle) + sqrt(d * (2 - d))
            found.append((1 - rise / pi, 1 - angle / pi))
    return found


def _errors(kind) -> tuple[np.ndarray, np.ndarray]:
    """Absolute errors of both outputs, in units in the last place of one."""
    after, slope = map(np.asarray, arccosine(jnp.asarray(_gaps(kind))))
    assert after.dtype == slope.dtype == kind
    with mp.workdps(400):
        differences = [
            (float(mpf(float(one)) - first), float(mpf(float(two)) - second))
            for one, two, (first, second) in zip(
                after, slope, _exact(kind), strict=True
            )
        ]
    return tuple(np.abs(np.array(differences).T) / np.finfo(kind).eps)


@pytest.mark.parametrize("kind", TYPES)
def test_absolute_errors(kind):
    # Measured: 0.7 and 0.9 at most.
    after, slope = _errors(kind)
    assert after.max() < 1.1
    assert slope.max() < 1.1


@pytest.mark.parametrize("kind", TYPES)
def test_a_small_gap_keeps_its_digits(kind):
    """What is left of a small gap is known relatively, so that depth loses nothing."""
    after, _ = _errors(kind)
    sizes = np.array([float(first) for first, _ in _exact(kind)])
    normal = sizes > np.finfo(kind).tiny
    # Measured: 1.5 of the own last place.
    assert (after[normal] / sizes[normal]).max() < 2.5


@pytest.mark.parametrize("kind", TYPES)
def test_ends_are_exact(kind):
    after, slope = arccosine(jnp.array([0, 2], kind))
    assert (np.asarray(after) == [0, 1]).all()
    assert (np.asarray(slope) == [1, 0]).all()


def test_stays_between_its_ends():
    kind = jnp.zeros(()).dtype.type
    gaps = np.sort(np.random.default_rng(0).uniform(0, 2, 20_000)).astype(kind)
    after, slope = map(np.asarray, arccosine(jnp.asarray(gaps)))
    for values in (after, slope):
        assert values.min() >= 0
        assert values.max() <= 1 + 2 * np.finfo(kind).eps
    # Monotonous but for rounding.
    assert np.diff(after).min() > -4 * np.finfo(kind).eps
    assert np.diff(slope).max() < 4 * np.finfo(kind).eps


def test_derivatives(tolerance):
    gaps = jnp.array([1e-6, 0.01, 0.5, 1.0, 1.5, 1.99])
    (_, slope), (after_dot, slope_dot) = jax.jvp(
        arccosine, (gaps,), (jnp.full_like(gaps, 3),)
    )
    # d kappa_1 / d rho = kappa_0, and d kappa_0 / d rho = 1 / (pi sin phi).
    np.testing.assert_allclose(after_dot, 3 * slope, rtol=tolerance)
    exact = -3 / (np.pi * np.sqrt(np.asarray(gaps * (2 - gaps), np.float64)))
    np.testing.assert_allclose(slope_dot, exact, rtol=tolerance)


def test_derivatives_at_the_ends():
    for gap, slope in ((0.0, 1.0), (2.0, 0.0)):
        first, second = jax.jacrev(arccosine)(jnp.array(gap))
        assert first == slope
        assert second == 0
