"""Conjugate gradients beside dense solves, and where they must give up."""

import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import Dense, Shifted
from hyperlimit.linalg.solvers import conjugate_gradients


def spectrum(values, seed=0):
    """A dense symmetric matrix with these eigenvalues."""
    draw = np.random.default_rng(seed).standard_normal((len(values), len(values)))
    q = np.linalg.qr(draw)[0]
    return q @ np.diag(values) @ q.T


def columns(n, c, seed=1):
    return np.random.default_rng(seed).standard_normal((n, c))


def operator(matrix):
    return Dense(jnp.asarray((matrix + matrix.T) / 2, float))


def test_columns_are_solved_and_said_to_be(epsilon):
    matrix = spectrum(np.geomspace(1, 100, 40))
    right = columns(40, 3)
    found = conjugate_gradients(
        operator(matrix), jnp.asarray(right, float), tolerance=1e3 * epsilon
    )
    exact = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(found.vectors, exact, atol=1e6 * epsilon)
    left = np.linalg.norm(right - matrix @ np.asarray(found.vectors), axis=0)
    left /= np.linalg.norm(right, axis=0)
    np.testing.assert_allclose(found.residuals, left, rtol=0.1, atol=20 * epsilon)
    assert found.residual <= 1e3 * epsilon


def test_each_column_stops_on_its_own(epsilon):
    """An eigenvector takes one iteration, zeros none, the others many."""
    matrix = spectrum(np.geomspace(1, 100, 30))
    vector = np.linalg.eigh(matrix)[1][:, 4]
    right = np.stack([vector, np.zeros(30), columns(30, 1)[:, 0]], axis=1)
    found = conjugate_gradients(
        operator(matrix), jnp.asarray(right, float), tolerance=1e4 * epsilon
    )
    assert found.iterations[1] == 0
    assert found.iterations[0] <= 2
    assert found.iterations[2] > 12
    assert (np.asarray(found.vectors[:, 1]) == 0).all()


def test_a_preconditioner_that_is_the_inverse_takes_one_iteration(epsilon):
    matrix = spectrum(np.geomspace(1, 1000, 25))
    inverse = operator(np.linalg.inv(matrix))
    found = conjugate_gradients(
        operator(matrix),
        jnp.asarray(columns(25, 2), float),
        inverse,
        tolerance=1e6 * epsilon,
    )
    assert found.iterations.max() <= 2
    assert found.condition == pytest.approx(1, abs=0.01)


@pytest.mark.float64_only(reason="the smallest Ritz value needs digits")
def test_the_condition_is_lanczos():
    values = np.geomspace(0.1, 50, 60)
    found = conjugate_gradients(
        operator(spectrum(values)), jnp.asarray(columns(60, 2), float), tolerance=1e-10
    )
    assert found.condition == pytest.approx(500, rel=0.01)


def test_the_true_residual_decides():
    """In single precision the recurrence goes on falling where the truth does not."""
    matrix = spectrum(np.geomspace(1e-4, 1, 80))
    given = Dense(jnp.asarray(matrix, jnp.float32))
    right = jnp.asarray(columns(80, 2), jnp.float32)
    found = conjugate_gradients(given, right, tolerance=1e-3)
    exact = np.asarray(given.matrix, np.float64) @ np.asarray(found.vectors, np.float64)
    left = np.linalg.norm(np.asarray(right, np.float64) - exact, axis=0)
    assert (left / np.linalg.norm(right, axis=0) < 1.1e-3).all()


def test_progress_is_told():
    seen = []
    conjugate_gradients(
        operator(spectrum(np.geomspace(1, 100, 40))),
        jnp.asarray(columns(40, 1), float),
        tolerance=1e-3,
        chunk=4,
        progress=lambda used, residual: seen.append((used, residual)),
    )
    assert [used for used, _ in seen[:2]] == [4, 8]
    assert seen[-1][1] <= 1e-3


@pytest.mark.parametrize(
    ("matrix", "right", "words"),
    [
        (np.diag([1.0, -1.0, 2.0]), np.ones((3, 1)), "not positive definite"),
        (np.eye(3), np.full((3, 1), np.nan), "not finite"),
        (np.diag([1.0, np.inf, 2.0]), np.ones((3, 1)), "not finite"),
        (spectrum(np.geomspace(1e-6, 1, 30)), columns(30, 1), "more iterations"),
    ],
)
def test_what_cannot_be_solved_is_said(matrix, right, words, refuses):
    given = Dense(jnp.asarray(matrix, float))
    with refuses(words):
        conjugate_gradients(
            given, jnp.asarray(right, float), tolerance=1e-4, most_iterations=20
        )


def test_stagnation_is_said(refuses):
    """A tolerance below what products in single precision hold."""
    matrix = spectrum(np.geomspace(1e-2, 1, 60))
    given = Shifted(Dense(jnp.asarray(matrix, jnp.float32)), jnp.float32(0))
    with refuses("stagnate", "1.0e-09"):
        conjugate_gradients(
            given, jnp.asarray(columns(60, 1), jnp.float32), tolerance=1e-9
        )
