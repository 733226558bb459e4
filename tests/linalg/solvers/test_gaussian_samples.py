"""Draws with an operator's covariance."""

import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import Dense
from hyperlimit.linalg.solvers import (
    gaussian_samples,
    low_rank_inverse,
    pivoted_cholesky,
)


def kernel(n, width):
    points = np.linspace(0, 1, n)
    return np.exp(-np.abs(points[:, None] - points[None]) / width) + 0.1 * np.eye(n)


@pytest.mark.parametrize("preconditioned", [False, True])
def test_the_covariance_is_the_operator(preconditioned):
    """Beside the sampling error of 4,000 draws, 1 / sqrt(4000) of a variance."""
    matrix = kernel(20, 0.4)
    given = Dense(jnp.asarray(matrix, float))
    near = None
    if preconditioned:
        near = low_rank_inverse(given, pivoted_cholesky(given, 5), 1e-3)
    draws = np.asarray(gaussian_samples(given, near, count=4000, seed=1))
    found = draws @ draws.T / 4000
    scale = np.sqrt(np.outer(matrix.diagonal(), matrix.diagonal()) + matrix**2)
    assert np.abs((found - matrix) / scale).max() < 4.5 / 4000**0.5
    assert np.abs(draws.mean(axis=1)).max() < 4.5 * (1.1 / 4000) ** 0.5


def test_a_preconditioner_changes_a_draw_and_not_its_law():
    """With all of the Krylov space, B^{-1/2} g is exact: u = S B^{-1/2} g solves it."""
    matrix = kernel(15, 0.3)
    given = Dense(jnp.asarray(matrix, float))
    draw = np.asarray(gaussian_samples(given, None, count=3, seed=2, tolerance=1e-12))
    normal = np.random.default_rng(2).standard_normal((3, 15)).T
    values, vectors = np.linalg.eigh(np.asarray(given.matrix, np.float64))
    expected = (vectors * np.sqrt(values)) @ vectors.T @ normal
    np.testing.assert_allclose(draw, expected, atol=1e-6)


def test_few_steps_are_refused(refuses):
    given = Dense(jnp.diag(jnp.geomspace(1e-3, 1e3, 300)))
    with refuses("10 Lanczos steps"):
        gaussian_samples(given, count=2, depth=10, tolerance=1e-3)
    with refuses("12 Lanczos steps", "more memory"):
        gaussian_samples(given, count=2, memory=8 * 300 * 13)
