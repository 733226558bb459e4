"""The preconditioner of Kronecker sums: an operator, exact where it should be."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import (
    AbstractSource,
    KeptTerms,
    KroneckerSum,
    Shifted,
    StreamedTerms,
)
from hyperlimit.linalg.solvers import conjugate_gradients, kronecker_inverse
from laws.operator_laws import OperatorCase, OperatorLaws


def kernels(n, p, seed=0):
    """A positive definite Kronecker sum: two smooth kernels of points and an angle."""
    draw = np.random.default_rng(seed)
    x, z = draw.standard_normal((n, 3)), np.sort(draw.uniform(size=p))
    squares = np.sum((x[:, None] - x[None]) ** 2, axis=-1)
    left = np.stack([np.exp(-squares / 8), np.exp(-squares / 2)])
    near = np.exp(-np.abs(z[:, None] - z[None]))
    right = np.stack([near, near**3])
    blocks = np.sum(right, axis=0)[None]
    left *= 1 - np.eye(n)
    return left, right, np.ones((1, n)), blocks


def operator(left, right, weights, blocks):
    numbers = (jnp.asarray(v, float) for v in (right, weights, blocks))
    return KroneckerSum(KeptTerms(jnp.asarray(left, float)), *numbers)


def matrix_of(left, right, weights, blocks, ridge):
    total = sum(np.kron(a, b) for a, b in zip(left, right, strict=True))
    total = total + sum(
        np.kron(np.diag(w), d) for w, d in zip(weights, blocks, strict=True)
    )
    return total + ridge * np.eye(len(total))


def written_out(found):
    """The matrix that the parts of an inverse stand for."""
    q, w, inner, outer = (
        np.asarray(part, np.float64)
        for part in (found.images, found.coordinates, found.inner, found.outer)
    )
    n, p = len(q), len(w)
    total = np.einsum("il,aq,lq,jl,bq->iajb", q, w, 1 / inner, q, w)
    if q.shape[1] < n:
        rest = np.eye(n) - q @ q.T
        total += np.einsum("ij,aq,q,bq->iajb", rest, w, 1 / outer, w)
    return total.reshape(n * p, n * p)


@pytest.fixture(params=[3, 7], ids=["subspace", "whole"])
def rank(request):
    return request.param


class TestKroneckerInverse(OperatorLaws):
    """The laws: the matrix written out from the formula."""

    @pytest.fixture
    def case(self, rank):
        found = kronecker_inverse(operator(*kernels(7, 5)), 0.1, rank)
        return OperatorCase("kronecker", found, written_out(found))


def test_two_terms_are_inverted_exactly(tolerance):
    """One Kronecker product off the diagonal: A x B + I x D + ridge."""
    left, right, weights, blocks = kernels(8, 6)
    parts = left[:1], right[:1], weights, blocks
    found = kronecker_inverse(operator(*parts), 0.1)
    exact = np.linalg.inv(matrix_of(*parts, 0.1))
    scale = np.abs(exact).max()
    np.testing.assert_allclose(found.as_matrix(), exact, atol=1e3 * tolerance * scale)


def test_the_diagonal_in_its_bases_is_the_matrix_own(rank, tolerance):
    """Also where blocks have weights of their own."""
    left, right, _, blocks = kernels(7, 5)
    weights = np.random.default_rng(3).uniform(1, 2, (1, 7))
    parts = left, right, weights, blocks
    found = kronecker_inverse(operator(*parts), 0.1, rank)
    both = np.kron(np.asarray(found.images), np.asarray(found.coordinates))
    seen = np.diag(both.T @ matrix_of(*parts, 0.1) @ both)
    wanted = np.asarray(found.inner).ravel()
    np.testing.assert_allclose(wanted, seen, rtol=1e3 * tolerance)
    if rank < 7:
        whole = np.kron(np.eye(7), np.asarray(found.coordinates))
        trace = np.diag(whole.T @ matrix_of(*parts, 0.1) @ whole).reshape(7, -1).sum(0)
        wanted = (trace - seen.reshape(rank, -1).sum(0)) / (7 - rank)
        np.testing.assert_allclose(found.outer, wanted, rtol=1e3 * tolerance)


def test_roots_and_the_determinant(rank, tolerance):
    found = kronecker_inverse(operator(*kernels(7, 5)), 0.1, rank)
    inverse = written_out(found)
    root = np.asarray(found.root(jnp.eye(35, dtype=float)))
    scale = np.abs(inverse).max()
    np.testing.assert_allclose(root @ root.T, inverse, atol=1e2 * tolerance * scale)
    turned = np.asarray(found.root_transposed(jnp.eye(35, dtype=float)))
    np.testing.assert_allclose(turned, root.T, atol=1e2 * tolerance * scale**0.5)
    expected = -np.linalg.slogdet(inverse)[1]
    assert float(found.log_determinant()) == pytest.approx(
        expected, rel=1e2 * tolerance
    )


class Watched(AbstractSource):
    """Matrices that are made from no more than three rows at a time."""

    terms: Float[Array, "r m n"]

    @property
    def shape(self):
        return self.terms.shape

    @property
    def dtype(self):
        return self.terms.dtype

    def made(self, rows, columns):
        assert len(rows) <= 3
        some = self.terms[:, rows]
        return some if columns is None else some[:, :, columns]

    @property
    def T(self):
        return Watched(jnp.swapaxes(self.terms, 1, 2))


def test_streamed_factors_are_never_there_at_once(tolerance):
    kept = operator(*kernels(7, 5))
    source = Watched(kept.left.terms)
    streamed = KroneckerSum(
        StreamedTerms(source, 3), kept.right, kept.weights, kept.blocks
    )
    one, two = (kronecker_inverse(total, 0.1) for total in (kept, streamed))
    matrix = np.asarray(one.as_matrix())
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(two.as_matrix(), matrix, atol=1e3 * tolerance * scale)


def test_it_saves_iterations():
    parts = kernels(40, 30)
    total = operator(*parts)
    system = Shifted(total, jnp.asarray(1e-2, float))
    right = jnp.asarray(np.random.default_rng(2).standard_normal((1200, 2)), float)
    plain = conjugate_gradients(system, right, tolerance=1e-3)
    found = conjugate_gradients(
        system, right, kronecker_inverse(total, 1e-2), tolerance=1e-3
    )
    assert found.iterations.max() < plain.iterations.max() / 4
    assert found.condition < plain.condition / 10
    exact = np.linalg.solve(matrix_of(*parts, 1e-2), np.asarray(right, np.float64))
    near = np.linalg.norm(found.vectors - exact) / np.linalg.norm(exact)
    assert near < 0.02
