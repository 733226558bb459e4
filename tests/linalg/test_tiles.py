"""Assembly from tiles: equal to one tile to the bit, at sizes that do not divide."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.linalg._tiles import is_traced, tiled, tiled_symmetric


def _rows(n, seed=0):
    points = np.random.default_rng(seed).standard_normal((n, 3))
    return {"rows": jnp.asarray(points, float)}


@jax.jit
def _both(a, b):
    """Two matrices; no rounding depends on the shape of the tile."""
    left, right = a["rows"][:, None, :], b["rows"][None, :, :]
    return jnp.exp(-jnp.abs(left - right).max(-1)), (left * right).min(-1)


@jax.jit
def _lopsided(a, b):
    """Not symmetric: only the entries from above the diagonal may be used."""
    return (a["rows"][:, 0, None] + 10 * b["rows"][None, :, 1],)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 4), (7, 4), (4, 9), (13, 10), (8, 0)])
def test_tiles_are_the_whole(n, m):
    a, b = _rows(n), _rows(m, 1)
    for found, expected in zip(tiled(_both, a, b, size=4), _both(a, b), strict=True):
        assert found.shape == (n, m)
        assert (found == expected).all()


@pytest.mark.parametrize("n", [1, 3, 4, 5, 8, 13, 16])
def test_symmetric_tiles_are_the_whole(n):
    a = _rows(n)
    for found, expected in zip(
        tiled_symmetric(_both, a, size=4), _both(a, a), strict=True
    ):
        assert (found == expected).all()


@pytest.mark.parametrize("n", [3, 4, 5, 13, 16])
def test_symmetric_to_the_bit_whatever_the_tile_returns(n):
    a = _rows(n)
    (found,) = tiled_symmetric(_lopsided, a, size=4)
    (whole,) = _lopsided(a, a)
    assert (found == found.T).all()
    assert (jnp.triu(found) == jnp.triu(whole)).all()


def test_half_the_tiles_are_enough():
    calls = []

    def counted(a, b):
        calls.append(a["rows"].shape)
        return _both(a, b)

    tiled_symmetric(counted, _rows(16), size=4)
    assert calls == [(4, 3)] * 10


def test_traced_arrays_are_one_tile():
    a, b = _rows(9), _rows(6, 1)
    assert not is_traced((a, b))

    @jax.jit
    def whole(a, b):
        assert is_traced((a, b))
        return tiled(_both, a, b, size=4), tiled_symmetric(_both, a, size=4)

    full, symmetric = whole(a, b)
    assert (full[0] == _both(a, b)[0]).all()
    assert (symmetric[0] == _both(a, a)[0]).all()


def test_a_gram_matrix_above_the_size_of_a_tile(monkeypatch, epsilon):
    """The kernels through tiles, against the same as one tile."""
    spec = hl.Hypernetwork(
        meta=hl.mlp(depth=3, width=4), primary=hl.mlp(depth=2, width=4, out=1)
    )
    limit = hl.dual_limit(spec)
    x, z = np.random.default_rng(0).standard_normal((2, 21, 12))
    inputs = jnp.asarray(x, float), jnp.asarray(z[:, :3], float)
    half = jax.tree.map(lambda rows: rows[:10], inputs)
    whole, part = limit.kernels(inputs), limit.ntk(inputs, half)
    # The default of an argument is bound when its function is made.
    monkeypatch.setattr(tiled, "__defaults__", (8,))
    monkeypatch.setattr(tiled_symmetric, "__defaults__", (8,))
    for found, expected in zip(limit.kernels(inputs), whole, strict=True):
        assert (found == found.T).all()
        # A matrix product may add in another order in another shape.
        np.testing.assert_allclose(found, expected, rtol=0, atol=100 * epsilon)
    np.testing.assert_allclose(
        limit.ntk(inputs, half), part, rtol=0, atol=100 * epsilon
    )
