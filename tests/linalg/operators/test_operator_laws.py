"""Every operator under the laws, beside a matrix written out in NumPy."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import (
    AbstractSource,
    Dense,
    KeptTerms,
    KernelMatrix,
    KroneckerSum,
    Scaled,
    Selected,
    Shifted,
    StreamedTerms,
)
from laws.operator_laws import OperatorCase, OperatorLaws


def draw(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def floats(array):
    return jnp.asarray(array, float)


def symmetric_kernel(a, b):
    return jnp.exp(-jnp.abs(a[:, None, 0] - b[None, :, 0]))


def symmetric_one(a, b):
    return jnp.exp(-jnp.abs(a[:, 0] - b[:, 0]))


class Source(AbstractSource):
    """Two terms of points."""

    a: jax.Array
    b: jax.Array
    flipped: bool = eqx.field(static=True, default=False)

    @property
    def shape(self):
        m, n = len(self.a), len(self.b)
        return (2, n, m) if self.flipped else (2, m, n)

    @property
    def dtype(self):
        return self.a.dtype

    def made(self, rows, columns):
        columns = slice(None) if columns is None else columns
        i, j = (columns, rows) if self.flipped else (rows, columns)
        a, b = self.a[i], self.b[j]
        first = jnp.cos(a[:, None, 0] - 3 * b[None, :, 0])
        both = jnp.stack([first, a[:, None, 0] * b[None, :, 0] ** 2])
        return jnp.swapaxes(both, 1, 2) if self.flipped else both

    @property
    def T(self):
        return Source(self.a, self.b, not self.flipped)


def made(a, b):
    return np.stack([np.cos(a - 3 * b.T), a * b.T**2])


def kronecker(left, right, weights, blocks):
    """The matrix of the formula."""
    (_, m, n), (_, q, p) = left.shape, right.shape
    total = sum(np.kron(a, b) for a, b in zip(left, right, strict=True))
    for w, block in zip(weights, blocks, strict=True):
        total = total + np.kron(np.diag(w), block)
    return total.reshape(m * q, n * p)


def kept(m, n, q, p, own):
    left, right = draw(3, m, n), draw(3, q, p, seed=1)
    weights, blocks = draw(own, n, seed=2), draw(own, q, p, seed=3)
    operator = KroneckerSum(
        KeptTerms(floats(left)), *(floats(v) for v in (right, weights, blocks))
    )
    return operator, kronecker(left, right, weights, blocks)


def streamed(m, n, q, p, block, own=0):
    a, b = draw(m, 1), draw(n, 1, seed=1)
    right = draw(2, q, p, seed=2)
    weights, blocks = draw(own, n, seed=3), draw(own, q, p, seed=4)
    terms = StreamedTerms(Source(floats(a), floats(b)), block)
    operator = KroneckerSum(terms, *(floats(v) for v in (right, weights, blocks)))
    return operator, kronecker(made(a, b), right, weights, blocks)


class OfPlaces(eqx.Module):
    """A kernel that knows points by their places on either side."""

    table: jax.Array

    def __call__(self, a, b):
        return self.table[a[:, None], b[None, :]]


class OfPlacesOne(eqx.Module):
    table: jax.Array

    def __call__(self, a, b):
        return self.table[a, b]


def cases():
    dense = draw(6, 9)
    yield "dense", Dense(floats(dense)), dense
    yield "one by one", Dense(floats(dense[:1, :1])), dense[:1, :1]
    yield "Kronecker sum", *kept(4, 4, 3, 3, 2)
    yield "rectangular images", *kept(5, 3, 4, 4, 0)
    yield "rectangular coordinates", *kept(4, 4, 3, 5, 1)
    yield "all rectangular", *kept(3, 5, 6, 2, 0)
    yield "streamed", *streamed(7, 7, 3, 3, 2, own=1)
    yield "streamed in one block", *streamed(3, 5, 2, 4, 100)
    streams, matrix = streamed(7, 4, 3, 2, 3)
    yield "streamed, transposed", streams.T, matrix.T
    square, matrix = kept(4, 4, 3, 3, 1)
    known = np.array([0, 2, 3, 7, 11])
    index = jnp.asarray(known)
    chosen = matrix[np.ix_(known, known)]
    yield "selected", Selected(square, index, index), chosen
    other = np.array([5, 1, 9])
    some = Selected(square, index, jnp.asarray(other))
    yield "selected, rectangular", some, matrix[np.ix_(known, other)]
    noise = Shifted(Selected(square, index, index), floats(0.3))
    yield "shifted", noise, chosen + 0.3 * np.eye(5)
    a, b = draw(12), draw(12, seed=1)
    scaled = Scaled(floats(a), square, floats(b))
    yield "scaled", scaled, a[:, None] * matrix * b
    x, y = draw(11, 1), draw(6, 1, seed=1)
    part = functools.partial(jax.tree_util.Partial)
    for tile in (1, 4, 100):
        tiles = KernelMatrix(
            part(symmetric_kernel), part(symmetric_one), floats(x), floats(y), tile
        )
        yield f"kernel in tiles of {tile}", tiles, np.exp(-np.abs(x - y.T))
    table = draw(5, 8)
    known = OfPlaces(floats(table)), OfPlacesOne(floats(table))
    tiles = KernelMatrix(*known, jnp.arange(5), jnp.arange(8), 4)
    yield "kernel of places", tiles, table
    yield "kernel of places, transposed", tiles.T, table.T


class TestOperators(OperatorLaws):
    """The laws, case by case."""

    @pytest.fixture(params=list(cases()), ids=lambda case: case[0])
    def case(self, request):
        return OperatorCase(*request.param)


def test_a_diagonal_of_selected_ones_compiled():
    """Of one index twice the whole's diagonal is read, also when put together again."""
    square, matrix = kept(4, 4, 3, 3, 1)
    index, other = jnp.array([0, 2, 3, 7, 11]), jnp.array([5, 1, 9])
    diagonal = eqx.filter_jit(lambda operator: operator.diagonal())
    same = Selected(square, index, index)
    np.testing.assert_allclose(
        diagonal(same), np.diagonal(matrix)[np.asarray(index)], rtol=1e-5
    )
    rebuilt = jax.tree.map(lambda leaf: leaf, same)
    assert rebuilt.columns is rebuilt.rows
    cross = Selected(square, index, other)
    expected = matrix[np.asarray(index)[:3], np.asarray(other)]
    np.testing.assert_allclose(diagonal(cross), expected, rtol=1e-5)
