"""What is true of every operator: one suite for each."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hyperlimit.linalg.operators import AbstractOperator


@dataclasses.dataclass(frozen=True)
class OperatorCase:
    """An operator, and the matrix that it is, made without it in NumPy."""

    name: str
    operator: AbstractOperator
    matrix: np.ndarray


def vectors(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(7).standard_normal((rows, columns))


class OperatorLaws:
    """Inherited by a test class whose `case` fixture gives an `OperatorCase`."""

    def close(self, found, expected, tolerance):
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(found, expected, atol=100 * tolerance * scale)

    def test_products(self, case, tolerance):
        """With a vector, with several, and compiled."""
        operator, matrix = case.operator, case.matrix
        assert operator.shape == matrix.shape
        given = vectors(matrix.shape[1], 3)
        columns = jnp.asarray(given, operator.dtype)
        self.close(operator @ columns, matrix @ given, tolerance)
        self.close(operator @ columns[:, 1], matrix @ given[:, 1], tolerance)
        compiled = eqx.filter_jit(lambda operator, v: operator @ v)
        self.close(compiled(operator, columns), matrix @ given, tolerance)

    def test_transpose(self, case, tolerance):
        """Its products, and that of the transpose again."""
        operator, matrix = case.operator, case.matrix
        assert operator.T.shape == matrix.T.shape
        given = vectors(matrix.shape[0], 2)
        columns = jnp.asarray(given, operator.dtype)
        self.close(operator.T @ columns, matrix.T @ given, tolerance)
        back = jnp.asarray(vectors(matrix.shape[1], 2), operator.dtype)
        self.close(operator.T.T @ back, np.asarray(operator @ back), tolerance)
        one = float(jnp.sum(columns * (operator @ back)))
        two = float(jnp.sum((operator.T @ columns) * back))
        size = np.abs(matrix).sum() * 10
        assert abs(one - two) <= 100 * tolerance * max(1, size)

    def test_diagonal(self, case, tolerance):
        found = case.operator.diagonal()
        self.close(found, np.diagonal(case.matrix), tolerance)

    def test_blocks(self, case, tolerance):
        """Any rows and columns, in any order, also twice."""
        draw = np.random.default_rng(3)
        rows = draw.integers(0, case.matrix.shape[0], 5)
        columns = draw.integers(0, case.matrix.shape[1], 4)
        found = case.operator.block(jnp.asarray(rows), jnp.asarray(columns))
        self.close(found, case.matrix[np.ix_(rows, columns)], tolerance)
        transposed = case.operator.T.block(jnp.asarray(columns), jnp.asarray(rows))
        self.close(transposed, case.matrix[np.ix_(rows, columns)].T, tolerance)

    def test_the_matrix_by_name(self, case, tolerance):
        self.close(case.operator.as_matrix(), case.matrix, tolerance)

    def test_it_is_a_pytree_of_its_numbers(self, case):
        """Through a compiled function and back, and no other leaves."""
        leaves = jax.tree.leaves(case.operator)
        assert leaves
        assert all(eqx.is_array(leaf) for leaf in leaves)

    def test_vectors_of_another_length_are_refused(self, case, refuses):
        rows, columns = case.matrix.shape
        with refuses(str(columns + 1), f"({columns},)"):
            case.operator @ jnp.ones(columns + 1, case.operator.dtype)
        with refuses(f"({rows}, {columns})"):
            case.operator @ jnp.ones((columns, 1, 1), case.operator.dtype)
