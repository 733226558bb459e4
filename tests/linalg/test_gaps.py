"""Gaps between directions: exact cases, and the documented bound on every angle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import acos, asin, fdot, mp, mpf, sqrt

from hyperlimit.linalg import gaps, rows, squared_distances

# Two columns take the path of differences, 784 that of the matrix product, and 8
# and 9 are on either side of the change.
DIMENSIONS = [2, 8, 9, 784]


_compiled = jax.jit(lambda a, b: gaps(rows(a), rows(b)))


def _gaps(a, b):
    """Gaps of rows given in NumPy, as float64."""
    found = _compiled(jnp.asarray(a, float), jnp.asarray(b, float))
    return np.asarray(found, np.float64)


def _stored(a) -> np.ndarray:
    """The rows as the arrays of this run hold them."""
    return np.asarray(jnp.asarray(a, float), np.float64)


def _angle(one, other) -> mpf:
    """The angle of two rows, exactly: from |p - q| of the unit vectors."""
    p, q = [mpf(v) for v in one.tolist()], [mpf(v) for v in other.tolist()]
    p_norm, q_norm = sqrt(fdot(p, p)), sqrt(fdot(q, q))
    chord = [u / p_norm - v / q_norm for u, v in zip(p, q, strict=True)]
    return 2 * asin(sqrt(fdot(chord, chord)) / 2)


def _angle_errors(a, b) -> np.ndarray:
    """Errors of the angles that the gaps of row i of a and b say."""
    found = np.diagonal(_gaps(a, b))
    with mp.workdps(60):
        return np.array(
            [
                float(abs(acos(1 - mpf(float(gap))) - _angle(p, q)))
                for gap, p, q in zip(found, _stored(a), _stored(b), strict=True)
            ]
        )


@pytest.fixture
def documented(epsilon):
    """The bound of the docstring on an angle up to a right one, for d columns."""
    return lambda dimension: dimension**0.5 * epsilon**0.8


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_generic_pairs(dimension, tolerance):
    a, b = np.random.default_rng(0).standard_normal((2, 20, dimension))
    a, b = _stored(a), _stored(b)
    cosines = (a @ b.T) / np.outer(*(np.linalg.norm(m, axis=1) for m in (a, b)))
    np.testing.assert_allclose(_gaps(a, b), 1 - cosines, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_near_duplicates(dimension, documented, epsilon):
    """At relative distances from 1e-2 to 1e-15, three of each."""
    a, noise = np.random.default_rng(0).standard_normal((2, 42, dimension))
    noise *= np.repeat(10.0 ** -np.arange(2, 16), 3)[:, None]
    for b in (a + noise, 3 * (a - noise)):
        assert _angle_errors(a, b).max() < documented(dimension)
    # Near two the gap has its own spacing, and the angle a multiple of its root.
    assert _angle_errors(a, -(a + noise)).max() < 4 * epsilon**0.5


@pytest.mark.parametrize("dimension", [9, 784])
def test_the_nearest_pairs_err_by_epsilon(dimension, epsilon):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((6, dimension))
    b = a * (1 + 8 * epsilon * rng.standard_normal(a.shape))
    # Each unit vector is rounded, entry by entry, in all by two eps at most.
    assert _angle_errors(a, b).max() < 4 * epsilon


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_angles_across_the_threshold(dimension, documented):
    """Both formulas, and where one takes over from the other."""
    rng = np.random.default_rng(3)
    a, across = rng.standard_normal((2, 42, dimension))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    across -= (across * a).sum(1, keepdims=True) * a
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    angle = np.geomspace(1e-7, 1.5, 42)[:, None]
    b = np.cos(angle) * a + np.sin(angle) * across
    assert _angle_errors(a, b).max() < documented(dimension)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_exact_cases(dimension):
    rng = np.random.default_rng(1)
    a = rng.standard_normal((5, dimension))
    found = _gaps(a, np.concatenate([a, -a, np.zeros((1, dimension))]))
    assert (np.diagonal(found[:, :5]) == 0).all()
    assert (np.diagonal(found[:, 5:10]) == 2).all()
    assert (found[:, 10] == 1).all()
    off = ~np.eye(5, dtype=bool)
    assert ((found[:, :5][off] > 0) & (found[:, :5][off] < 2)).all()
    assert (_gaps(np.zeros((2, dimension)), np.zeros((3, dimension))) == 1).all()


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_equal_rows_among_unequal_neighbours(dimension):
    """A duplicate is exactly 0 whichever formula its tile needs."""
    a = np.random.default_rng(2).standard_normal((4, dimension))
    near = a * (1 + 1e-6)
    near[:, 0] *= 1 + 1e-6
    found = _gaps(np.concatenate([a, near]), np.concatenate([a, near]))
    assert (np.diagonal(found) == 0).all()
    with_zero = _gaps(np.concatenate([a, 0 * a]), np.concatenate([near, a]))
    assert (np.diagonal(with_zero[:4, 4:]) == 0).all()
    assert (with_zero[4:] == 1).all()


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_lengths_do_not_matter(dimension, epsilon):
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((2, 7, dimension))
    small, large = 2.0**-27, 2.0**27  # about 1e-8 and 1e8, and exact
    assert (_gaps(a, b) == _gaps(small * a, large * b)).all()
    # 1e-8 and 1e8 themselves round each entry.
    off = 8 * epsilon
    np.testing.assert_allclose(_gaps(1e-8 * a, 1e8 * b), _gaps(a, b), rtol=0, atol=off)


def test_signed_zeros_are_equal():
    plus = np.zeros((1, 12))
    plus[0, 3] = 1.5
    signed = np.where(plus == 0, -0.0, plus)
    assert _gaps(plus, signed) == 0
    assert _gaps(plus, -signed) == 2


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_gradients_are_finite(dimension):
    a = np.random.default_rng(5).standard_normal((3, dimension))
    points = np.concatenate([a, a[:1], -a[:1], 0 * a[:1], a[:1] * (1 + 1e-7)])

    def total(points):
        split = rows(points)
        return gaps(split, split).sum() + split.length.sum()

    assert np.isfinite(jax.jit(jax.grad(total))(jnp.asarray(points, float))).all()


def test_squared_distances(tolerance):
    a, b = np.random.default_rng(6).standard_normal((2, 5, 3))
    exact = ((_stored(a)[:, None] - _stored(b)[None]) ** 2).sum(-1)
    found = squared_distances(jnp.asarray(a, float), jnp.asarray(b, float))
    np.testing.assert_allclose(found, exact, rtol=tolerance)
    same = squared_distances(jnp.asarray(a, float), jnp.asarray(a, float))
    assert (np.diagonal(same) == 0).all()
