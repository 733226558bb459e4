"""The preconditioner that is found where the images are."""

import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import KeptTerms, KroneckerSum, Shifted
from hyperlimit.linalg.sharded import (
    ImageRows,
    image_mesh,
    shard_kronecker_sum,
    sharded_mode_inverse,
)
from hyperlimit.linalg.solvers import conjugate_gradients
from laws.sharded_cases import floats, matrix_of, smooth_problem


def sharded(parts):
    layout = ImageRows(image_mesh(), parts[0].shape[1])
    left, *others = map(floats, parts)
    return shard_kronecker_sum(KroneckerSum(KeptTerms(left), *others), layout)


@pytest.mark.parametrize("blocks", [True, False])
def test_it_is_the_inverse_where_nothing_is_dropped(blocks, tolerance):
    """One left factor, right ones with common eigenvectors, all images."""
    (left, right, weights, _), _ = smooth_problem(8, 5)
    if blocks:
        right = np.stack([right[0], right[0] @ right[0] / 5])
        left = np.stack([left[1], left[1]])
        parts = (left, right, weights, np.sum(right, axis=0)[None])
    else:
        # The diagonal is the left factor's own: its trace is not zero.
        left = left[1:] + np.eye(8)
        parts = (left, right[:1], np.zeros((0, 8)), np.zeros((0, 5, 5)))
    found = sharded_mode_inverse(sharded(parts), floats(0.1), 8)
    exact = np.linalg.inv(matrix_of(*parts) + 0.1 * np.eye(40))
    scale = np.abs(exact).max()
    np.testing.assert_allclose(found.as_matrix(), exact, atol=1e3 * tolerance * scale)
    some = sharded_mode_inverse(sharded(parts), floats(0.1), 3)
    values = np.linalg.eigvalsh(np.asarray(some.as_matrix(), np.float64))
    assert values[0] > 0
    # What the subspace does not hold has what is left of the trace.
    trace = np.trace(matrix_of(*parts)) + 0.1 * 40
    assert np.sum(1 / values) == pytest.approx(trace, rel=1e5 * tolerance)


def test_the_subspace_is_the_leading_one(epsilon):
    parts, _ = smooth_problem(30, 4)
    found = sharded_mode_inverse(sharded(parts), floats(1e-2), 5)
    basis = np.asarray(found.basis)
    strengths = [basis[:, 0] @ b @ basis[:, 0] for b in parts[1]]
    matrix = np.tensordot(strengths, parts[0], 1)
    vectors = np.linalg.eigh(matrix)[1][:, -3:]
    q = np.asarray(found.subspace, np.float64)
    np.testing.assert_allclose(q.T @ q, np.eye(5), atol=100 * epsilon)
    # Three steps of the iteration: leading vectors lie in it nearly as a whole.
    assert np.linalg.norm(q.T @ vectors, axis=0).min() > 0.999


def test_it_saves_iterations():
    parts, _ = smooth_problem(40, 30)
    total, ridge = sharded(parts), floats(1e-2)
    right = floats(np.random.default_rng(2).standard_normal((1200, 2)))
    system = Shifted(total, ridge)
    plain = conjugate_gradients(system, right, tolerance=1e-3)
    found = conjugate_gradients(
        system, right, sharded_mode_inverse(total, ridge, 10), tolerance=1e-3
    )
    assert found.iterations.max() < plain.iterations.max() / 2
    assert found.condition < plain.condition / 4


def test_what_cannot_be_dealt_out_is_refused(refuses):
    mesh, (parts, _) = image_mesh(), smooth_problem(4, 3)
    left, *others = map(floats, parts)
    total = KroneckerSum(KeptTerms(left), *others)
    with refuses("4 x 4 images", "deal out 5"):
        shard_kronecker_sum(total, ImageRows(mesh, 5))
    with refuses("0 images"):
        ImageRows(mesh, 0)
    with refuses("7 rows were given for 4 images"):
        ImageRows(mesh, 4).scattered(np.zeros((7, 1), jnp.zeros(()).dtype))
