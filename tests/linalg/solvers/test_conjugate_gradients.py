"""Conjugate gradients beside dense solves, and where they must give up."""

import jax
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


def recurrence(matrix, right, steps):
    """Conjugate gradients in the matrix's precision: answer, and its own residual."""
    answer, residual = np.zeros_like(right), right.copy()
    direction, square = residual.copy(), residual @ residual
    for _ in range(steps):
        image = matrix @ direction
        length = square / (direction @ image)
        answer += length * direction
        residual -= length * image
        square, before = residual @ residual, square
        direction = residual + square / before * direction
    return answer, np.linalg.norm(residual) / np.linalg.norm(right)


def test_the_true_residual_decides():
    """In single precision the recurrence goes on falling where the truth does not."""
    matrix = np.asarray(spectrum(np.geomspace(1e-3, 1, 80)), np.float32)
    matrix = (matrix + matrix.T) / 2
    right, tolerance = columns(80, 2), 1e-7

    def left(answer, column):
        rest = right[:, column] - np.asarray(matrix, np.float64) @ answer
        return np.linalg.norm(rest) / np.linalg.norm(right[:, column])

    trusted, claimed = recurrence(matrix, np.float32(right[:, 0]), 300)
    assert claimed < tolerance / 10
    assert left(np.asarray(trusted, np.float64), 0) > 10 * tolerance
    given = Dense(jnp.asarray(matrix))
    with jax.enable_x64(True):
        found = conjugate_gradients(given, jnp.asarray(right), tolerance=tolerance)
        vectors = np.asarray(found.vectors)
    for column in range(2):
        assert left(vectors[:, column], column) <= tolerance
        assert found.residuals[column] == pytest.approx(
            left(vectors[:, column], column), rel=1e-3
        )


@pytest.mark.float64_only(reason="a condition of 1e10")
def test_a_residual_may_grow_before_it_falls():
    """By the root of the condition, in a system of two steps."""
    values = np.array([1e-10, 1.0])
    right = np.array([[1.0], [1e-5]])
    given = operator(np.diag(values))
    seen = []
    found = conjugate_gradients(
        given,
        jnp.asarray(right),
        tolerance=1e-8,
        chunk=1,
        progress=lambda _, residual: seen.append(residual),
    )
    assert max(seen) > 4e4
    np.testing.assert_allclose(found.vectors[:, 0], right[:, 0] / values, rtol=1e-4)


def test_what_grows_without_end_is_said(refuses):
    """No symmetric matrix: the curvature is positive, and nothing falls."""
    matrix = np.array([[1.0, 1e10], [-1e10, 1.0]])
    with refuses("diverge"):
        conjugate_gradients(
            Dense(jnp.asarray(matrix, float)), jnp.ones((2, 1), float), tolerance=1e-3
        )


def test_an_indefinite_preconditioner_is_said(refuses):
    near = operator(np.diag(np.r_[np.ones(20), -np.ones(10)]))
    for right in (columns(30, 2), np.eye(30)[:, 29:]):
        with refuses("preconditioner is not positive definite", "r^T M^-1 r = -"):
            conjugate_gradients(
                operator(np.diag(np.geomspace(1, 10, 30))),
                jnp.asarray(right, float),
                near,
                tolerance=1e-3,
            )


def test_no_more_iterations_than_allowed(refuses):
    given = operator(spectrum(np.geomspace(1e-4, 1, 60)))
    seen = []
    with refuses("after 7 iterations", "allow more"):
        conjugate_gradients(
            given,
            jnp.asarray(columns(60, 2), float),
            tolerance=1e-4,
            most_iterations=7,
            progress=lambda used, _: seen.append(used),
        )
    assert seen == [5, 7]


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
