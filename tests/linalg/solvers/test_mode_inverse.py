"""The preconditioner of Kronecker sums: an operator, exact where it should be."""

import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import KeptTerms, KroneckerSum, Shifted
from hyperlimit.linalg.solvers import conjugate_gradients, mode_inverse
from laws.operator_laws import OperatorCase, OperatorLaws


def kernels(n, p, *, commuting, seed=0):
    """A positive definite Kronecker sum: two smooth kernels of points and an angle."""
    draw = np.random.default_rng(seed)
    x, z = draw.standard_normal((n, 3)), np.sort(draw.uniform(size=p))
    squares = np.sum((x[:, None] - x[None]) ** 2, axis=-1)
    left = np.stack([np.exp(-squares / 8), np.exp(-squares / 2)])
    near = np.exp(-np.abs(z[:, None] - z[None]))
    right = np.stack([near, near @ near / p if commuting else near**3])
    blocks = np.sum(right, axis=0)[None]
    left *= 1 - np.eye(n)
    return left, right, np.ones((1, n)), blocks


def operator(left, right, weights, blocks):
    numbers = (jnp.asarray(v, float) for v in (right, weights, blocks))
    return KroneckerSum(KeptTerms(jnp.asarray(left, float)), *numbers)


def matrix_of(left, right, weights, blocks, ridge):
    total = sum(np.kron(a, b) for a, b in zip(left, right, strict=True))
    return total + np.kron(np.diag(weights[0]), blocks[0]) + ridge * np.eye(len(total))


class TestModeInverse(OperatorLaws):
    """The laws: the matrix written out from the formula."""

    @pytest.fixture
    def case(self):
        parts = kernels(7, 5, commuting=False)
        found = mode_inverse(operator(*parts), jnp.asarray(0.1, float), 3)
        w, q = np.asarray(found.basis), np.asarray(found.subspace)
        modes = []
        for inner, outer in zip(np.asarray(found.inner), found.outer, strict=True):
            rest = (np.eye(7) - q @ q.T) / float(outer)
            modes.append(q @ inner @ q.T + rest)
        total = np.einsum("ps,sij,qs->ipjq", w, np.stack(modes), w)
        return OperatorCase("modes", found, total.reshape(35, 35))


def test_it_is_the_inverse_where_nothing_is_dropped(tolerance):
    """Right factors with common eigenvectors, and the whole space."""
    parts = kernels(8, 6, commuting=True)
    found = mode_inverse(operator(*parts), jnp.asarray(0.1, float), 8)
    exact = np.linalg.inv(matrix_of(*parts, 0.1))
    scale = np.abs(exact).max()
    np.testing.assert_allclose(found.as_matrix(), exact, atol=1e3 * tolerance * scale)


def test_trace_and_definiteness_stay():
    """The compression keeps the trace; its inverse is positive definite."""
    parts = kernels(9, 5, commuting=False)
    found = mode_inverse(operator(*parts), jnp.asarray(1e-3, float), 4)
    inverse = np.asarray(found.as_matrix(), np.float64)
    values = np.linalg.eigvalsh((inverse + inverse.T) / 2)
    assert values[0] > 0
    trace = np.trace(matrix_of(*parts, 1e-3))
    assert np.sum(1 / values) == pytest.approx(trace, rel=1e-3)


def test_it_saves_iterations():
    parts = kernels(40, 30, commuting=False)
    total, ridge = operator(*parts), jnp.asarray(1e-2, float)
    system = Shifted(total, ridge)
    right = jnp.asarray(np.random.default_rng(2).standard_normal((1200, 2)), float)
    plain = conjugate_gradients(system, right, tolerance=1e-3)
    found = conjugate_gradients(
        system, right, mode_inverse(total, ridge, 20), tolerance=1e-3
    )
    assert found.iterations.max() < plain.iterations.max() / 2
    assert found.condition < plain.condition / 4
    np.testing.assert_allclose(found.vectors, plain.vectors, atol=2.0)
