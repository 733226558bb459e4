"""Sharded operators beside their matrices in NumPy, on any number of devices."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from hyperlimit.linalg.operators import (
    AbstractOperator,
    AbstractSource,
    KeptTerms,
    KroneckerSum,
    StreamedTerms,
)
from hyperlimit.linalg.sharded import (
    ImageRows,
    shard_kronecker_inverse,
    shard_kronecker_sum,
)
from hyperlimit.linalg.solvers import KroneckerInverse


def floats(array):
    return jnp.asarray(array, float)


class SmoothKernels(AbstractSource):
    """Two kernels of points and none of a point with itself."""

    a: jax.Array
    b: jax.Array

    @property
    def shape(self):
        return 2, len(self.a), len(self.b)

    @property
    def dtype(self):
        return self.a.dtype

    def made(self, rows, columns):
        columns = jnp.arange(len(self.b)) if columns is None else columns
        gap = jnp.abs(self.a[rows][:, None, 0] - self.b[columns][None, :, 0])
        both = jnp.stack([jnp.exp(-gap / 4), jnp.exp(-gap)])
        return jnp.where(rows[:, None] == columns[None], 0, both)

    @property
    def T(self):
        return SmoothKernels(self.b, self.a)


def smooth_problem(n, p):
    """A positive definite Kronecker sum: its parts in NumPy, and the source."""
    draw = np.random.default_rng([n, p])
    x, z = draw.standard_normal((n, 1)), np.sort(draw.uniform(size=p))
    gap = np.abs(x - x.T)
    left = np.stack([np.exp(-gap / 4), np.exp(-gap)]) * (1 - np.eye(n))
    near = np.exp(-np.abs(z[:, None] - z[None]))
    right = np.stack([near, near**3])
    blocks = np.sum(right, axis=0)[None]
    return (left, right, np.ones((1, n)), blocks), SmoothKernels(floats(x), floats(x))


def matrix_of(left, right, weights, blocks):
    total = sum(np.kron(a, b) for a, b in zip(left, right, strict=True))
    for w, block in zip(weights, blocks, strict=True):
        total = total + np.kron(np.diag(w), block)
    return total


def padded(matrix, layout: ImageRows):
    extra = len(matrix) // layout.images * (layout.padded - layout.images)
    return np.pad(matrix, (0, extra))


def kept(layout):
    """Nothing symmetric, so that a transpose is another matrix."""
    n, draw = layout.images, np.random.default_rng(1)
    shapes = ((3, n, n), (3, 4, 4), (2, n), (2, 4, 4))
    parts = tuple(draw.standard_normal(shape) for shape in shapes)
    total = KroneckerSum(KeptTerms(floats(parts[0])), *map(floats, parts[1:]))
    return shard_kronecker_sum(total, layout), padded(matrix_of(*parts), layout)


def streamed(layout):
    parts, source = smooth_problem(layout.images, 3)
    total = KroneckerSum(StreamedTerms(source, 100), *map(floats, parts[1:]))
    found = shard_kronecker_sum(total, layout, block=2)
    return found, padded(matrix_of(*parts), layout)


def made_and_kept(layout):
    parts, source = smooth_problem(layout.images, 3)
    total = KroneckerSum(StreamedTerms(source, 2), *map(floats, parts[1:]))
    found = shard_kronecker_sum(total, layout, keep=True)
    return found, padded(matrix_of(*parts), layout)


def without_blocks(layout):
    n, draw = layout.images, np.random.default_rng(2)
    left, right = draw.standard_normal((2, n, n)), draw.standard_normal((2, 3, 3))
    nothing = np.zeros((0, n)), np.zeros((0, 3, 3))
    parts = (left, right, *nothing)
    total = KroneckerSum(KeptTerms(floats(left)), *map(floats, parts[1:]))
    return shard_kronecker_sum(total, layout), padded(matrix_of(*parts), layout)


def inverse(layout, rank):
    """M^{-1} from its arrays, with a W that is not orthogonal; the formula in NumPy."""
    n, p, draw = layout.images, 4, np.random.default_rng(3)
    w = np.linalg.qr(draw.standard_normal((p, p)))[0] * np.linspace(0.5, 2, p)
    q = np.linalg.qr(draw.standard_normal((n, rank)))[0]
    inner, outer = draw.uniform(0.5, 2, (rank, p)), np.linspace(0.7, 1.3, p)
    parts = (q, w, inner, outer, np.linalg.slogdet(w)[1])
    found = shard_kronecker_inverse(KroneckerInverse(*map(floats, parts)), layout)
    both = np.kron(q, w)
    matrix = both @ np.diag(1 / inner.reshape(-1)) @ both.T
    if rank < n:
        outside = np.eye(n) - q @ q.T
        matrix = matrix + np.kron(outside, w @ np.diag(1 / outer) @ w.T)
    return found, padded(matrix, layout)


def all_modes(layout):
    return inverse(layout, layout.images)


def some_modes(layout):
    return inverse(layout, 3)


CASES = (
    kept,
    streamed,
    made_and_kept,
    without_blocks,
    all_modes,
    some_modes,
)


class Everywhere(AbstractOperator):
    """An operator whose results every process has whole."""

    operator: AbstractOperator
    layout: ImageRows = eqx.field(static=True)

    @property
    def shape(self):
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        return self.operator.dtype

    def matmat(self, vectors):
        return self._put(lambda operator, v: operator.matmat(v), vectors)

    @property
    def T(self):
        return Everywhere(self.operator.T, self.layout)

    def diagonal(self):
        return self._put(lambda operator: operator.diagonal())

    def block(self, rows, columns):
        return self._put(lambda operator, *index: operator.block(*index), rows, columns)

    def _put(self, function, *arguments):
        def compiled(operator, *arguments):
            whole = self.layout.sharding(P())
            found = function(operator, *arguments)
            return jax.lax.with_sharding_constraint(found, whole)

        return eqx.filter_jit(compiled)(self.operator, *arguments)
