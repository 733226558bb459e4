"""Tables as grids: the same numbers, and found where they should be."""

import numpy as np
import pytest

from estimators.tables import gridded
from hyperlimit.estimators import HyperkernelGP, _pairs, _solver
from hyperlimit.estimators._pairs import PairGrid, padded

META = [0, 1]


@pytest.mark.parametrize("filled", [1.0, 0.6], ids=["complete", "with gaps"])
def test_a_grid_predicts_what_the_matrix_predicts(filled):
    X, y, every = gridded(filled=filled)
    y = np.stack([y, y**2], axis=1)
    dense = HyperkernelGP(META, solver="dense", ridge=0.01).fit(X, y)
    grid = HyperkernelGP(META, solver="grid", ridge=0.01, tolerance=1e-7).fit(X, y)
    assert (dense.solver_, grid.solver_) == ("dense", "grid")
    # New functions, at the grid's places and at others.
    new = np.concatenate([every[:25], gridded(1, 4, filled=0.5, seed=3)[0]])
    close = {"atol": 1e-4 * np.abs(y).max()}
    np.testing.assert_allclose(grid.predict(new), dense.predict(new), **close)
    assert grid.amplitude_ == pytest.approx(dense.amplitude_, rel=1e-4)
    expected = dense.predict(new, return_std=True)[1]
    found = grid.predict(new, return_std=True)[1]
    np.testing.assert_allclose(found, expected, **close)
    # 12 functions are no more than combinations: the fast one is exact too.
    fast = grid.set_params(exact_std=False).predict(new, return_std=True)[1]
    np.testing.assert_allclose(fast, expected, **close)


def grid_of(X):
    return PairGrid.of((X[:, :2], X[:, 2:]))


def test_long_tables_that_fill_a_grid_are_solved_on_it(monkeypatch):
    X, y, _ = gridded()
    model = HyperkernelGP(META, ridge=0.01)
    assert model.fit(X, y).solver_ == "dense"
    monkeypatch.setattr(_solver, "DENSE_VALUES", len(X) - 1)
    assert model.fit(X, y).solver_ == "grid"
    # The same pair twice.
    X[1], y[1] = X[0], y[0] + 1
    assert not _solver._suits_a_grid(grid_of(X))


def test_long_tables_off_a_grid_are_solved_by_iteration(monkeypatch, refuses):
    """Coordinates that no two functions share, and a pair that comes twice."""
    X, y, _ = gridded(filled=0.4)
    X[:, 2:] += 0.1 * np.random.default_rng(0).normal(size=(len(X), 2))
    X[1] = X[0]
    model = HyperkernelGP(META, ridge=0.01, tolerance=1e-7)
    dense = model.fit(X, y).predict(X[:9], return_std=True)
    monkeypatch.setattr(_solver, "DENSE_VALUES", len(X) - 1)
    found = model.fit(X, y).predict(X[:9], return_std=True)
    assert model.solver_ == "iterative"
    for one, two in zip(found, dense, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5 * np.abs(y).max())
    with refuses("return_cov", f"{len(X)} rows", "solver='iterative'"):
        model.predict(X, return_cov=True)


def test_what_suits_a_grid():
    X, _, _ = gridded(30, 6)
    suits = _solver._suits_a_grid
    assert suits(grid_of(X))
    assert not suits(grid_of(np.concatenate([X, X[:1]])))
    # Coordinates that no two functions share.
    scattered = X.copy()
    scattered[:, 2:] += np.random.default_rng(0).normal(size=(len(X), 2))
    assert not suits(grid_of(scattered))
    # One function: the matrix of its coordinates is the whole.
    alone = X.copy()
    alone[:, :2] = X[0, :2]
    assert not suits(grid_of(np.unique(alone, axis=0)))


def test_pairs_find_their_places_on_the_grid():
    X, _, every = gridded()
    X[:3, 2:] *= -0.0  # the same number as 0.0, in other bits
    X[3, 2:] = 0.0
    grid = grid_of(X)
    assert grid.shape == (12, 25)
    np.testing.assert_array_equal(grid.x[grid.image], X[:, :2])
    np.testing.assert_array_equal(grid.z[grid.place], X[:, 2:])
    whole = grid_of(every)
    assert whole.known.all()
    assert not whole.has_duplicates
    assert grid_of(X[[0, 0]]).has_duplicates
    rows = grid_of(every[40:])
    values = np.arange(2 * 260.0).reshape(260, 2)
    np.testing.assert_array_equal(rows.spread(values)[rows.image, rows.place], values)
    assert rows.known.sum() == 260


def test_scattered_pairs_do_not_cost_their_square(monkeypatch):
    monkeypatch.setattr(_pairs, "_FEW", 64)
    draw = np.random.default_rng(0)
    x, z = draw.normal(size=(1000, 1)), draw.normal(size=(1000, 1))
    cells = []

    def evaluate(x, z):
        cells.append(len(x) * len(z))
        return x[:, :1, None] + 10 * z[None, :, :]

    found = PairGrid.of((x, z)).collect(evaluate)
    np.testing.assert_allclose(found, x + 10 * z)
    assert sum(cells) <= 64 * 1000
    assert len(set(cells)) <= 2
    # Nothing but what was asked for.
    cells.clear()
    found = PairGrid.of((x[:30], z[:30])).collect(evaluate, tight=True)
    np.testing.assert_allclose(found, x[:30] + 10 * z[:30])
    assert cells == [1] * 30
    # A filled grid is one block.
    cells.clear()
    _, _, every = gridded(40, 8)
    grid = grid_of(every)
    np.testing.assert_allclose(grid.collect(evaluate), every[:, :1] + 10 * every[:, 2:])
    assert len(cells) == 1


def test_lengths_are_few():
    lengths = {len(padded(np.ones((count, 1)))) for count in range(1, 3000)}
    assert lengths == {8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3072}
    rows = np.arange(10.0)[:, None]
    np.testing.assert_array_equal(padded(rows)[:10], rows)
    np.testing.assert_array_equal(padded(rows)[10:], 0)


def test_what_a_grid_cannot_take_is_one_sentence(refuses, unchecked_types):
    X, y, _ = gridded()
    with refuses("solver='fast'", "auto, dense, grid, iterative"):
        HyperkernelGP(META, solver="fast").fit(X, y)
    twice = np.concatenate([X, X[:1]]), np.append(y, 0.0)
    with refuses("comes twice", "solver='dense'"):
        HyperkernelGP(META, solver="grid").fit(*twice)
