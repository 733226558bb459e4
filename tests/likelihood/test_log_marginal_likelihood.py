"""The log likelihood of operators beside the density of a multivariate normal."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import hyperlimit as hl
from hyperlimit.linalg.operators import Dense, Selected
from likelihood.problem import drawn, mask


@pytest.fixture(scope="module")
def problem():
    values, matrix = drawn()
    return Dense(jnp.asarray(matrix, float)), values.reshape(len(matrix), -1), matrix


def density(matrix, values, ridge, amplitude):
    noise = ridge * np.trace(matrix) / len(matrix)
    covariance = matrix + noise * np.eye(len(matrix))
    if amplitude == "ml":
        solved = np.linalg.solve(covariance, values)
        amplitude = np.sum(values * solved) / values.size
    normal = scipy.stats.multivariate_normal(cov=amplitude * covariance)
    return normal.logpdf(values.T).sum(), amplitude


@pytest.mark.parametrize("which", ["all", "some"])
@pytest.mark.parametrize("amplitude", ["ml", 0.7])
def test_it_is_the_density(problem, which, amplitude):
    gram, targets, matrix = problem
    if which == "some":
        kept = np.flatnonzero(mask().reshape(-1))
        gram = Selected(gram, jnp.asarray(kept), jnp.asarray(kept))
        targets, matrix = targets[kept], matrix[np.ix_(kept, kept)]
    found = hl.log_marginal_likelihood(gram, targets, ridge=0.03, amplitude=amplitude)
    expected, scale = density(matrix, targets, 0.03, amplitude)
    assert abs(found.value - expected) < 3.5 * found.error + 0.01
    assert found.error < 0.01 * abs(expected)
    assert found.amplitude == pytest.approx(scale, rel=1e-3)


def test_the_likeliest_amplitude_is(problem):
    gram, targets, _ = problem
    best = hl.log_marginal_likelihood(gram, targets, ridge=0.03)
    for factor in (0.9, 1.1):
        other = hl.log_marginal_likelihood(
            gram, targets, ridge=0.03, amplitude=factor * best.amplitude
        )
        assert other.value < best.value


def test_too_few_steps_are_said(problem):
    """The bias is many times the standard error, which does not know of it."""
    gram, targets, matrix = problem
    every = jnp.arange(len(matrix))
    # Not a Kronecker sum nor of low rank: five steps are too few.
    with pytest.warns(UserWarning, match="not settled after 5 Lanczos steps"):
        found = hl.log_marginal_likelihood(
            Selected(gram, every, every), targets, ridge=1e-5, depth=5
        )
    assert not found.settled
    expected, _ = density(matrix, targets, 1e-5, "ml")
    assert abs(found.value - expected) > 5 * found.error
    deep = hl.log_marginal_likelihood(gram, targets, ridge=0.03)
    assert deep.settled


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ridge": 0.0}, "ridge=0.0"),
        ({"amplitude": -1.0}, "amplitude=-1.0"),
        ({"targets": np.ones(3)}, "targets have shape (3,) for a Gram matrix of 400"),
        ({"targets": np.full(400, np.nan)}, "targets holds 400 numbers"),
    ],
)
def test_wrong_input_is_one_sentence(problem, change, words, refuses, unchecked_types):
    gram, targets, _ = problem
    given = {"targets": targets, "ridge": 0.1} | change
    with refuses(words):
        hl.log_marginal_likelihood(gram, given.pop("targets"), **given)
