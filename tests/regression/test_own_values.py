"""New functions of which some values are known, against the dense problem."""

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.regression import _own_values, _regress_grid
from regression.problems import all_pairs, grid, hypernetwork, unit

pytestmark = pytest.mark.float64_only(reason="agreement with dense solves")


def dense(limit, problem, new, where, mask, values, ridge):
    """Each new function by one dense solve over the training values and its own."""
    x, z, y, known = problem
    means, variances = [], []
    for row, own, given in zip(unit(new), mask, values, strict=True):
        train = all_pairs(unit(x), z)
        fresh = all_pairs(row[None], where)
        keep = np.concatenate([known.ravel(), own])
        pairs = tuple(jnp.concatenate(two) for two in zip(train, fresh, strict=True))
        gram = np.asarray(limit.ntk(pairs), np.float64)
        noise = ridge * gram.diagonal()[: len(z)].mean()
        cross = gram[-len(where) :, keep]
        inside = gram[np.ix_(keep, keep)] + noise * np.eye(keep.sum())
        targets = np.concatenate([y.reshape(-1, y.shape[2]), given])[keep]
        means.append(cross @ np.linalg.solve(inside, targets))
        explained = np.sum(cross * np.linalg.solve(inside, cross.T).T, axis=1)
        variances.append(gram.diagonal()[-len(where) :] - explained)
    return np.stack(means), np.stack(variances)


@pytest.mark.parametrize("same_mask", [True, False])
@pytest.mark.parametrize("together", [2**26, 1])
def test_it_is_the_dense_solution(same_mask, together, monkeypatch):
    monkeypatch.setattr(_own_values, "_ENTRIES", together)
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid(outputs=2)
    draw = np.random.default_rng(3)
    known = draw.uniform(size=y.shape[:2]) >= 0.4
    fit = hl.regress_grid(
        limit, x, z, y, known=known, ridge=0.05, tolerance=1e-9, atol=1e-8
    )
    new, where = grid(3, seed=5)[0], z[:6] + 0.25
    mask = draw.uniform(size=(3, 6)) >= 0.5
    mask[2] = False
    mask = np.broadcast_to(mask[0], (3, 6)) if same_mask else mask
    values = draw.normal(size=(3, 6, 2))
    expected = dense(limit, (x, z, y, known), new, where, mask, values, 0.05)
    spoilt = np.where(mask[..., None], values, np.nan)
    given = mask[0] if same_mask else mask
    mean = fit.mean(new, where, known=given, values=spoilt)
    np.testing.assert_allclose(mean, expected[0], atol=1e-6)
    variance = fit.variance(new, where, known=given)
    np.testing.assert_allclose(variance, expected[1], atol=1e-6)


def test_with_nothing_known_it_is_the_plain_prediction():
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid()
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.4
    fit = hl.regress_grid(limit, x, z, y[..., 0], known=known, ridge=0.05)
    none = np.zeros(len(z), bool)
    conditioned = fit.mean(x, known=none, values=jnp.zeros(y.shape[:2]))
    np.testing.assert_array_equal(conditioned, fit.mean(x))
    np.testing.assert_allclose(fit.variance(x, known=none), fit.variance(x), atol=1e-4)


def test_own_values_are_met_and_narrow_the_error_bars():
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid()
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.4
    fit = hl.regress_grid(limit, x, z, y[..., 0], known=known, ridge=0.01)
    new, _, truth = grid(4, seed=5)
    own = np.arange(len(z)) < 8
    plain = fit.mean(new) - truth[..., 0]
    conditioned = fit.mean(new, known=own, values=truth[..., 0]) - truth[..., 0]
    assert float(jnp.abs(conditioned[:, own]).max()) < 0.1 * float(
        jnp.abs(plain[:, own]).max()
    )
    wide, narrow = fit.variance(new), fit.variance(new, known=own)
    assert bool((narrow <= wide * (1 + 1e-3) + 1e-5).all())
    assert float(narrow[:, own].max()) < 0.1 * float(wide[:, own].max())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"known": np.ones(16, bool)}, "known and values belong together"),
        ({"values": np.ones((7, 16))}, "known and values belong together"),
        ({"known": np.ones(3, bool), "values": np.ones((7, 16))}, "(3,)"),
        ({"known": np.ones(16), "values": np.ones((7, 16))}, "float64"),
        ({"known": np.ones(16, bool), "values": np.ones((7, 3))}, "(7, 3)"),
        ({"known": np.ones(16, bool), "values": np.full((7, 16), np.nan)}, "(0,)"),
    ],
)
def test_wrong_values_are_one_sentence(given, words, unchecked_types):
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid()
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.4
    fit = hl.regress_grid(limit, x, z, y[..., 0], known=known, ridge=0.05)
    with pytest.raises(hl.InputError) as caught:
        fit.mean(x, **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_iterative_solve_takes_no_values(monkeypatch):
    monkeypatch.setattr(_regress_grid, "DENSE_VALUES", 0)
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid()
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.4
    fit = hl.regress_grid(limit, x, z, y, known=known, ridge=0.05)
    assert not fit.takes_values
    with pytest.raises(hl.InputError, match="at most 12,000 values"):
        fit.mean(x, known=np.ones(len(z), bool), values=y)
