"""Regression on images x coordinates against the dense problem it stands for."""

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.regression import _regress_grid
from regression.problems import all_pairs, grid, hypernetwork, unit


def dense(limit, kind, x, z, new, where, y, known, ridge):
    """Mean and variance by one dense float64 solve over the known pairs."""
    pairs, fresh = all_pairs(x, z), all_pairs(new, where)
    keep = known.ravel()
    gram = np.asarray(getattr(limit, kind)(pairs), np.float64)
    noise = ridge * gram.diagonal()[keep].mean()
    gram = gram[np.ix_(keep, keep)] + noise * np.eye(keep.sum())
    cross = np.asarray(getattr(limit, kind)(fresh, pairs), np.float64)[:, keep]
    own = np.asarray(getattr(limit, f"{kind}_diagonal")(fresh), np.float64)
    targets = np.asarray(y, np.float64).reshape(len(keep), -1)[keep]
    mean = cross @ np.linalg.solve(gram, targets)
    variance = own - np.sum(cross * np.linalg.solve(gram, cross.T).T, axis=1)
    return (
        mean.reshape(len(new), len(where), -1),
        variance.reshape(len(new), len(where)),
    )


@pytest.mark.float64_only
@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize(
    ("missing", "dense_values"), [(0.0, 10**6), (0.4, 0), (0.4, 10**6)]
)
def test_it_is_the_dense_solution(kind, missing, dense_values, monkeypatch):
    monkeypatch.setattr(_regress_grid, "DENSE_VALUES", dense_values)
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid(outputs=2)
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= missing
    fit = hl.regress_grid(
        limit, x, z, y, known=known, ridge=0.05, kind=kind, tolerance=1e-9, atol=1e-8
    )
    new, where = grid(3, seed=5)[0], z[:5] + 0.25
    mean, variance = dense(limit, kind, x, z, new, where, y, known, 0.05)
    np.testing.assert_allclose(fit.mean(new, where), mean, atol=1e-6)
    np.testing.assert_allclose(
        fit.variance(new, where, exact=True), variance, atol=1e-6 * variance.max()
    )


@pytest.mark.parametrize("solver", ["dense", "iterative"])
def test_the_report_holds_what_was_measured(solver, epsilon):
    """The residual beside one in double precision from the kernel itself."""
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid(outputs=2)
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.4
    fit = hl.regress_grid(limit, x, z, y, known=known, ridge=1e-5, solver=solver)
    keep = known.ravel()
    gram = np.asarray(limit.ntk(all_pairs(x, z)), np.float64)[np.ix_(keep, keep)]
    gram += fit.noise * np.eye(len(gram))
    targets = np.asarray(y, np.float64).reshape(-1, 2)[keep]
    left = targets - gram @ np.asarray(fit.weights, np.float64)
    sizes = np.linalg.norm(left, axis=0) / np.linalg.norm(targets, axis=0)
    weights = np.linalg.norm(np.asarray(fit.weights, np.float64), axis=0)
    entries = 30 * max(fit.report.kernel_error, 20 * epsilon) * weights
    bound = (entries / np.linalg.norm(targets, axis=0)).max()
    assert abs(fit.report.residual - sizes.max()) < bound
    assert fit.report.residual > 0
    assert fit.report.kernel_error > 0
    assert (fit.report.condition is None) == (solver == "dense")


def test_incomplete_targets_are_not_read():
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid()
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.5
    spoilt = jnp.where(known[..., None], y, jnp.nan)
    one = hl.regress_grid(limit, x, z, y, known=known, ridge=0.1)
    two = hl.regress_grid(limit, x, z, spoilt, known=known, ridge=0.1)
    np.testing.assert_array_equal(one.mean(x), two.mean(x))


@pytest.mark.float64_only
def test_rows_of_any_length():
    """Scales of images enter as powers where all layers are homogeneous."""
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid(outputs=2)
    draw = np.random.default_rng(8)
    x = x * draw.uniform(0.3, 3.0, (len(x), 1))
    new, where = grid(3, seed=5)[0] * jnp.asarray([[0.5], [1.0], [2.0]]), z[:5] + 0.25
    for known in (np.ones(y.shape[:2], bool), draw.uniform(size=y.shape[:2]) < 0.6):
        fit = hl.regress_grid(
            limit, x, z, y, known=known, ridge=0.05, tolerance=1e-10, atol=1e-7
        )
        mean, variance = dense(limit, "ntk", x, z, new, where, y, known, 0.05)
        np.testing.assert_allclose(fit.mean(new, where), mean, atol=1e-6)
        np.testing.assert_allclose(
            fit.variance(new, where, exact=True), variance, atol=1e-6 * variance.max()
        )


@pytest.mark.float64_only
@pytest.mark.parametrize("solver", ["dense", "iterative"])
def test_every_function_with_coordinates_of_its_own(solver):
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, _, _ = grid()
    draw = np.random.default_rng(2)
    counts = draw.integers(3, 9, len(x))
    z = [draw.uniform(0, 4, (count, 2)) for count in counts]
    y = [draw.normal(size=count) for count in counts]
    fit = hl.regress_grid(limit, x, z, y, ridge=0.05, tolerance=1e-9, solver=solver)
    pairs = jnp.repeat(x, counts, axis=0), jnp.concatenate([jnp.asarray(p) for p in z])
    gram = np.array(limit.ntk(pairs))
    gram += 0.05 * gram.diagonal().mean() * np.eye(len(gram))
    new, where = grid(3, seed=5)[0], jnp.asarray(draw.uniform(0, 4, (5, 2)))
    fresh = all_pairs(new, where)
    cross = np.asarray(limit.ntk(fresh, pairs))
    mean = cross @ np.linalg.solve(gram, np.concatenate(y))
    np.testing.assert_allclose(fit.mean(new, where), mean.reshape(3, 5), atol=1e-7)
    own = np.asarray(limit.ntk_diagonal(fresh))
    variance = own - np.sum(cross * np.linalg.solve(gram, cross.T).T, axis=1)
    found = fit.variance(new, where, exact=True)
    np.testing.assert_allclose(found, variance.reshape(3, 5), atol=1e-7 * own.max())


@pytest.mark.float64_only(reason="a difference of nearly equal numbers")
@pytest.mark.parametrize(
    ("size", "memory", "excess"),
    [(12, 2**30, 0.15), (2, 2**30, 0.15), (12, 20_000, 0.8)],
    ids=["many columns", "few columns", "a subspace"],
)
def test_the_quick_variance_is_never_below_the_exact_one(
    size, memory, excess, monkeypatch
):
    """Beside one dense solve; twelve combinations of forty functions."""
    name = "hyperlimit.regression._grid_iteration.COMBINED_VALUES"
    monkeypatch.setattr(name, 12 * 16)
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5, bias_std=0.5))
    x, z, y = grid(images=40, size=size)
    new, known = grid(4, seed=5, size=size)[0], np.ones(y.shape[:2], bool)
    fit = hl.regress_grid(limit, x, z, y, ridge=0.003, atol=1e-8, memory=memory)
    assert ("subspace" in fit.report.preconditioner) == (memory < 2**30)
    quick = np.asarray(fit.variance(new))
    _, exact = dense(limit, "ntk", x, z, new, z, y, known, 0.003)
    assert (quick >= exact * (1 - 1e-4)).all()
    assert (quick <= exact * (1 + excess)).all()
    assert (quick > exact * (1 + 1e-4)).any()
    # With all forty, nothing is left out.
    monkeypatch.setattr(name, 40 * 16)
    np.testing.assert_allclose(fit.variance(new), exact, rtol=1e-4)


@pytest.mark.float64_only(reason="a difference of nearly equal numbers")
def test_the_quick_variance_does_not_depend_on_where_factors_are():
    """Streamed factors of new images, a part of these at a time."""
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid(images=9)
    new = grid(5, seed=5)[0]
    fit = hl.regress_grid(limit, x, z, y, ridge=0.01)
    kept = fit.problem.cross(new, z)
    streamed = fit.problem._replace(memory=0).cross(new, z)
    assert type(kept.operator.left) is not type(streamed.operator.left)
    one, two = (fit.solved.explained(c, new, False) for c in (kept, streamed))
    np.testing.assert_allclose(one, two, rtol=1e-8)


def test_the_variance_from_the_nearest_images_is_never_too_small(monkeypatch):
    monkeypatch.setattr(_regress_grid, "DENSE_VALUES", 0)
    monkeypatch.setattr("hyperlimit.regression._grid_iteration.NEAR_VALUES", 150)
    limit = hl.dual_limit(hypernetwork(bandwidth=1.5))
    x, z, y = grid(images=20)
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) >= 0.3
    new = grid(3, seed=5)[0]
    fit = hl.regress_grid(limit, x, z, y, known=known, ridge=0.05, tolerance=1e-4)
    near, exact = fit.variance(new), fit.variance(new, exact=True)
    assert (near >= exact * (1 - 1e-3)).all()
    assert float(near.max()) <= float(limit.ntk_diagonal((unit(new)[:1], z[:1]))[0])


def test_unit_rows():
    x, _, _ = grid()
    np.testing.assert_allclose(hl.unit_rows(3 * x), x, rtol=1e-5)
    with pytest.raises(hl.InputError, match="row 1 of x is zero"):
        hl.unit_rows(x.at[1].set(0.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": jnp.ones((7, 15))}, "(7, 15)"),
        ({"x": jnp.ones((7, 12)).at[2].set(0.0)}, "image 2"),
        ({"z": [jnp.ones((2, 2))] * 7}, "for 2 coordinates"),
        ({"solver": "direct"}, "solver='direct'"),
        ({"x": jnp.ones((7, 12)).at[2, 3].set(jnp.nan)}, "(2, 3)"),
        ({"known": np.zeros((7, 16), bool)}, "no target"),
        ({"known": np.ones((7, 3), bool)}, "(7, 3)"),
        ({"ridge": -0.5}, "ridge"),
        ({"x": jnp.ones(7)}, "(7,)"),
        ({"x": jnp.ones((7, 12)), "ridge": 0.0}, "ridge"),
    ],
)
def test_wrong_input_is_one_sentence(change, words, unchecked_types):
    x, z, y = grid()
    given = {"x": x, "z": z, "targets": y} | change
    with pytest.raises(hl.InputError) as caught:
        hl.regress_grid(hl.dual_limit(hypernetwork(bandwidth=1.5)), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


CONVOLUTIONAL = hl.Network(
    (
        hl.Convolution(8),
        hl.Elementwise(hl.activation("relu")),
        hl.Convolution(8, stride=2),
        hl.Elementwise(hl.activation("relu")),
        hl.Flatten(),
        hl.LayerNorm(centre=False, epsilon=0.0),
        hl.Dense(None),
    ),
    hl.Images(),
)
MIXED = hl.mlp(
    depth=3,
    width=8,
    out=1,
    inputs=hl.FourierFeatures(bandwidth=1.5),
    weights_generated=[False, True, True],
    bias_std=0.3,
)


@pytest.mark.float64_only
@pytest.mark.parametrize(
    ("kind", "images"),
    [
        ("ntk", True),
        ("nngp", False),
        pytest.param("ntk", False, marks=pytest.mark.long),
        pytest.param("nngp", True, marks=pytest.mark.long),
    ],
)
def test_any_meta_network_and_any_primary(kind, images):
    """Images for f, and a primary with parameters of its own: the dense solution."""
    _, z, y = grid(images=9)
    draw = np.random.default_rng(4)
    x, new = (jnp.asarray(np.abs(draw.normal(size=(m, 5, 4, 2)))) for m in (9, 3))
    if images:
        spec = hl.Hypernetwork(CONVOLUTIONAL, MIXED)
    else:
        spec = hl.Hypernetwork(hl.mlp(depth=3, width=8), MIXED)
        x, new = (unit(part.reshape(len(part), -1)) for part in (x, new))
    limit = hl.dual_limit(spec)
    fit = hl.regress_grid(
        limit, x, z, y, ridge=0.05, kind=kind, tolerance=1e-9, atol=1e-7
    )

    def pairs(rows):
        return jnp.repeat(rows, len(z), axis=0), jnp.tile(z, (len(rows), 1))

    gram = np.array(getattr(limit, kind)(pairs(x)))
    gram += 0.05 * gram.diagonal()[: len(z)].mean() * np.eye(len(gram))
    cross = np.asarray(getattr(limit, kind)(pairs(new), pairs(x)))
    mean = cross @ np.linalg.solve(gram, np.asarray(y).ravel())
    np.testing.assert_allclose(fit.mean(new), mean.reshape(3, -1, 1), atol=1e-6)
    own = np.asarray(getattr(limit, f"{kind}_diagonal")(pairs(new)))
    variance = own - np.sum(cross * np.linalg.solve(gram, cross.T).T, axis=1)
    np.testing.assert_allclose(
        fit.variance(new, exact=True), variance.reshape(3, -1), atol=1e-6 * own.max()
    )


def test_tuned_numbers_are_likelier_and_are_those_of_tune():
    """Smooth functions, and a bandwidth far too small at the start."""
    x, z, _ = grid(images=6)
    draw = np.random.default_rng(1)
    y = np.asarray(x[:, :2]) @ np.sin(np.asarray(z) @ draw.normal(size=(2, 2)) / 3).T
    y = y - y.mean()
    limit = hl.dual_limit(hypernetwork(bandwidth=0.5))
    fit = hl.regress_grid(limit, x, z, y, ridge=0.1, tune=True)
    alone = hl.tune(limit, x, z, y, ridge=0.1)
    assert fit.limit.spec == alone.spec
    assert fit.limit.spec.primary.inputs.bandwidth > 1.0
    before = hl.tune(limit, x, z, y, ridge=0.1, steps=0)
    assert alone.log_likelihood > before.log_likelihood + 50
