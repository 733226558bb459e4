"""Rows split into length and direction, and their fingerprints."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf, sqrt

from hyperlimit import linalg

rows = jax.jit(linalg.rows)


def _float(values):
    return jnp.asarray(np.asarray(values), float)


def _exact_length(row) -> mpf:
    square = sum(Fraction(float(entry)) ** 2 for entry in row)
    with mp.workdps(60):
        return sqrt(mpf(square.numerator) / mpf(square.denominator))


@pytest.mark.parametrize("dimension", [1, 2, 784])
@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 0.75, 0.98])
def test_lengths_at_every_size(dimension, part):
    """From the smallest to the largest normal numbers, without over- or underflow."""
    info = jnp.finfo(jnp.zeros(()).dtype)
    low, high = np.log2(float(info.tiny)) + 4, np.log2(float(info.max)) - 8
    scale = 2.0 ** (low + part * (high - low))
    matrix = _float(scale * np.random.default_rng(0).uniform(1, 2, (4, dimension)))
    split = rows(matrix)
    for row, length in zip(np.asarray(matrix), split.length, strict=True):
        # Sums of squares of n terms err by less than n eps, on average by sqrt n.
        relative = float(abs(mpf(float(length)) / _exact_length(row) - 1))
        assert relative < 4 * dimension**0.5 * float(info.eps)
    norms = np.linalg.norm(np.asarray(split.direction, np.float64), axis=1)
    assert np.abs(norms - 1).max() < 4 * dimension**0.5 * float(info.eps)


def test_a_zero_row():
    split = rows(_float([[0.0, -0.0], [3.0, 4.0]]))
    assert (np.asarray(split.length) == [0, 5]).all()
    assert (np.asarray(split.direction[0]) == 0).all()


def test_no_rows():
    split = rows(_float(np.zeros((0, 3))))
    assert split.length.shape == (0,)
    assert split.fingerprint.shape == (0, 2)


def test_equal_rows_have_equal_fingerprints():
    matrix = np.random.default_rng(0).standard_normal((5, 33))
    whole, part = rows(_float(matrix)), rows(_float(matrix[3:]))
    assert (whole.fingerprint[3:] == part.fingerprint).all()
    assert (rows(_float(-matrix)).fingerprint == whole.opposite).all()
    assert (rows(_float(-matrix)).opposite == whole.fingerprint).all()


def test_signs_of_zero_do_not_count():
    one, other = rows(_float([[0.0, 1.0]])), rows(_float([[-0.0, 1.0]]))
    assert (one.fingerprint == other.fingerprint).all()
    assert (one.opposite == other.opposite).all()


def test_different_rows_have_different_fingerprints():
    """One bit, a permutation, an exchanged sign: 64 bits collide for none of them."""
    rng = np.random.default_rng(1)
    base = rng.standard_normal(16).astype(jnp.zeros(()).dtype)
    changed = [base]
    for column in range(16):
        row = base.copy()
        row[column] = np.nextafter(row[column], np.inf, dtype=row.dtype)
        changed.append(row)
        row = base.copy()
        row[column] = -row[column]
        changed.append(row)
        changed.append(np.roll(base, column + 1) if column < 15 else np.sort(base))
    for first in range(16):
        for second in range(first):
            row = base.copy()
            row[[first, second]] = row[[second, first]]
            changed.append(row)
    grid = np.stack(np.meshgrid(*[np.arange(64.0)] * 2), -1).reshape(-1, 2)
    for matrix in (np.stack(changed), grid, 2.0**-10 * grid):
        split = rows(_float(matrix))
        found = np.asarray(split.fingerprint).astype(np.uint64)
        assert len(np.unique(found[:, 0] << np.uint64(32) | found[:, 1])) == len(matrix)


def test_half_precision_rows_are_hashed_too():
    matrix = jnp.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]], jnp.bfloat16)
    found = np.asarray(rows(matrix).fingerprint)
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()
