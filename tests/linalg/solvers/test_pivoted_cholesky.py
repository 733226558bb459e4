"""Partial Cholesky factors beside eigenvalues, and their inverses."""

import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import Dense, Shifted
from hyperlimit.linalg.solvers import (
    conjugate_gradients,
    low_rank_inverse,
    pivoted_cholesky,
)
from laws.operator_laws import OperatorCase, OperatorLaws


def kernel(n, width, seed=0):
    x = np.random.default_rng(seed).uniform(size=(n, 2))
    squares = np.sum((x[:, None] - x[None]) ** 2, axis=-1)
    return np.exp(-squares / (2 * width**2))


def test_it_is_exact_in_the_rows_of_the_pivots(epsilon):
    matrix = kernel(60, 0.3)
    found = pivoted_cholesky(Dense(jnp.asarray(matrix, float)), 20, block=6)
    assert len(set(found.pivots)) == 20
    factor = np.asarray(found.factor, np.float64)
    rest = matrix - factor @ factor.T
    near = 1e4 * epsilon
    np.testing.assert_allclose(rest[found.pivots], 0, atol=near)
    np.testing.assert_allclose(np.diagonal(rest), found.left, atol=near)
    assert np.linalg.eigvalsh(rest).min() > -near


@pytest.mark.float64_only(reason="the tail lies below float32's rounding")
def test_what_is_left_is_near_the_best_possible():
    """The trace left is within a small factor of the best rank's, on average."""
    matrix = kernel(120, 0.2)
    values = np.linalg.eigvalsh(matrix)[::-1]
    given = Dense(jnp.asarray(matrix))
    left = [
        float(pivoted_cholesky(given, 30, block=5, seed=seed).left.sum())
        for seed in range(8)
    ]
    assert values[30:].sum() <= min(left)
    assert np.mean(left) < 8 * values[30:].sum()


def test_a_matrix_of_low_rank_ends_early(epsilon):
    draw = np.random.default_rng(1).standard_normal((40, 3))
    found = pivoted_cholesky(Dense(jnp.asarray(draw @ draw.T, float)), 20, block=4)
    assert len(found.pivots) <= 8
    factor = np.asarray(found.factor, np.float64)
    np.testing.assert_allclose(factor @ factor.T, draw @ draw.T, atol=1e5 * epsilon)


# Rows of groups of eight, seven, ..., four.
GROUPS = np.random.default_rng(2).permutation(np.repeat(np.arange(5), [8, 7, 6, 5, 4]))


class TestLowRankInverse(OperatorLaws):
    """The laws: the inverse of what was factored, written out."""

    @pytest.fixture
    def case(self):
        matrix = kernel(30, 0.4)
        given = Dense(jnp.asarray(matrix, float))
        found = pivoted_cholesky(given, 7, block=3)
        operator = low_rank_inverse(given, found, 0.5, GROUPS, 5)
        factor = np.asarray(found.factor, np.float64)
        low = factor @ factor.T
        # The longest is cut into two of four, and the others as it is.
        inside = np.sum(np.tril(GROUPS[:, None] == GROUPS[None, :], -1), axis=1)
        piece = inside // 4 + 2 * GROUPS
        rest = np.where(piece[:, None] == piece[None, :], matrix - low, 0)
        matrix = np.linalg.inv(low + rest + 0.5 * np.eye(30))
        return OperatorCase("inverse", operator, matrix)


def test_it_saves_iterations():
    matrix = kernel(300, 0.1)
    system = Shifted(Dense(jnp.asarray(matrix, float)), jnp.asarray(1e-3, float))
    right = jnp.asarray(np.random.default_rng(2).standard_normal((300, 2)), float)
    plain = conjugate_gradients(system, right, tolerance=1e-3)
    found = pivoted_cholesky(system.operator, 100)
    near = low_rank_inverse(system.operator, found, 1e-3)
    better = conjugate_gradients(system, right, near, tolerance=1e-3)
    assert better.iterations.max() < plain.iterations.max() / 2


def test_roots_and_the_determinant(tolerance):
    given = Dense(jnp.asarray(kernel(30, 0.4), float))
    found = pivoted_cholesky(given, 7, block=3)
    operator = low_rank_inverse(given, found, 0.5, GROUPS, 4)
    inverse = np.asarray(operator.as_matrix(), np.float64)
    root = np.asarray(operator.root(jnp.eye(30, dtype=float)), np.float64)
    np.testing.assert_allclose(root @ root.T, inverse, atol=1e2 * tolerance)
    turned = operator.root_transposed(jnp.eye(30, dtype=float))
    np.testing.assert_allclose(turned, root.T, atol=1e2 * tolerance)
    expected = -np.linalg.slogdet(inverse)[1]
    assert float(operator.log_determinant()) == pytest.approx(expected, abs=1e-4)
