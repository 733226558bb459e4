"""The preconditioner that is found where the images are."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import KeptTerms, KroneckerSum, Shifted
from hyperlimit.linalg.sharded import (
    ImageRows,
    image_mesh,
    shard_kronecker_sum,
    sharded_kronecker_inverse,
)
from hyperlimit.linalg.solvers import conjugate_gradients
from laws.sharded_cases import all_modes, floats, matrix_of, smooth_problem, some_modes


def sharded(parts):
    layout = ImageRows(image_mesh(), parts[0].shape[1])
    left, *others = map(floats, parts)
    return shard_kronecker_sum(KroneckerSum(KeptTerms(left), *others), layout)


def test_two_terms_are_inverted_exactly(tolerance):
    """One Kronecker product off the diagonal: A x B + I x D + ridge."""
    (left, right, weights, blocks), _ = smooth_problem(8, 5)
    parts = left[1:], right[1:], weights, blocks
    found = sharded_kronecker_inverse(sharded(parts), 0.1, 8)
    exact = np.linalg.inv(matrix_of(*parts) + 0.1 * np.eye(40))
    scale = np.abs(exact).max()
    np.testing.assert_allclose(found.as_matrix(), exact, atol=1e3 * tolerance * scale)


@pytest.mark.parametrize("rank", [3, 8])
def test_the_diagonal_in_its_bases_is_the_matrix_own(rank, tolerance):
    """Also where blocks have weights of their own."""
    (left, right, _, blocks), _ = smooth_problem(8, 5)
    weights = np.random.default_rng(3).uniform(1, 2, (1, 8))
    parts = left, right, weights, blocks
    matrix = matrix_of(*parts) + 0.1 * np.eye(40)
    found = sharded_kronecker_inverse(sharded(parts), 0.1, rank)
    w = np.asarray(found.coordinates)
    both = np.kron(np.asarray(found.images), w)
    seen = np.diag(both.T @ matrix @ both).reshape(rank, 5)
    np.testing.assert_allclose(found.inner, seen, rtol=1e3 * tolerance)
    if rank < 8:
        whole = np.kron(np.eye(8), w)
        trace = np.diag(whole.T @ matrix @ whole).reshape(8, 5).sum(axis=0)
        wanted = (trace - seen.sum(axis=0)) / (8 - rank)
        np.testing.assert_allclose(found.outer, wanted, rtol=1e4 * tolerance)


def test_the_subspace_is_the_leading_one(epsilon):
    """Not that of the most negative eigenvalues, which a zero diagonal makes large."""
    (left, right, weights, blocks), _ = smooth_problem(30, 4)
    parts = left[1:], right[1:], weights, blocks
    found = sharded_kronecker_inverse(sharded(parts), 1e-2, 5)
    vectors = np.linalg.eigh(parts[0][0])[1][:, -3:]
    q = np.asarray(found.images, np.float64)
    np.testing.assert_allclose(q.T @ q, np.eye(5), atol=100 * epsilon)
    assert np.linalg.norm(q.T @ vectors, axis=0).min() > 0.99


@pytest.mark.parametrize("make", [all_modes, some_modes])
def test_roots_and_the_determinant(make, tolerance):
    layout = ImageRows(image_mesh(), 7)
    found, inverse = make(layout)
    inverse = inverse[: 7 * 4, : 7 * 4]
    given = layout.scattered(np.eye(28).astype(found.dtype))
    root, turned = (
        layout.gathered(eqx.filter_jit(product)(given))
        for product in (found.root, found.root_transposed)
    )
    scale = np.abs(inverse).max()
    np.testing.assert_allclose(root @ root.T, inverse, atol=1e2 * tolerance * scale)
    np.testing.assert_allclose(turned, root.T, atol=1e2 * tolerance * scale)
    expected = -np.linalg.slogdet(inverse)[1]
    assert float(found.log_determinant()) == pytest.approx(
        expected, rel=1e2 * tolerance
    )


def test_it_saves_iterations():
    parts, _ = smooth_problem(40, 30)
    total = sharded(parts)
    right = floats(np.random.default_rng(2).standard_normal((1200, 2)))
    system = Shifted(total, floats(1e-2))
    plain = conjugate_gradients(system, right, tolerance=1e-3)
    found = conjugate_gradients(
        system, right, sharded_kronecker_inverse(total, 1e-2, 10), tolerance=1e-3
    )
    assert found.iterations.max() < plain.iterations.max() / 2
    assert found.condition < plain.condition / 4


def test_a_product_is_in_the_precision_of_its_vectors():
    """An operator in single precision has products in double."""
    parts, _ = smooth_problem(6, 3)
    single = [jnp.asarray(part, jnp.float32) for part in parts]
    layout = ImageRows(image_mesh(), 6)
    total = KroneckerSum(KeptTerms(single[0]), *single[1:])
    found = shard_kronecker_sum(total, layout)
    matrix = matrix_of(*(np.asarray(part, np.float64) for part in single))
    with jax.enable_x64(True):
        given = np.random.default_rng(1).standard_normal((18, 2))
        for operator, dense in ((found, matrix), (found.T, matrix.T)):
            product = operator @ layout.scattered(given)
            np.testing.assert_allclose(product, dense @ given, rtol=1e-12, atol=1e-12)


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
