"""The study of optimisation at its quick size, and what it calls a minimum."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import hyperlimit as hl
from hyperlimit.studies import Silent, run_study
from hyperlimit.studies.optimisation import STUDY, OptimisationConfig
from hyperlimit.studies.optimisation._kinks import at_kinks
from hyperlimit.studies.optimisation._problem import Problem, optimisation_problem
from hyperlimit.studies.optimisation._verify import verify

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    return out, run_study(STUDY, out, Silent(), quick=True)


@pytest.mark.float64_only(reason="minima are told apart in double precision")
def test_narrow_networks_stop_and_wide_ones_do_not(finished):
    out, results = finished
    rows = {row["what"]: row for row in results["findings"]}
    assert all(row["agrees"] is not False for row in rows.values())
    for name, least in (("relu", 0.5), ("sin", 0.2)):
        left = results["data"]["stops"][name]["variance_left_by_width_and_draw"]
        assert np.mean(left[1]) > least
        assert np.mean(left[64]) < 0.01
    narrow = results["data"]["stops"]["sin"]["narrow"][1]
    strict = np.asarray(narrow["kinds"]) == 3
    assert strict.mean() > 0.4
    assert np.asarray(narrow["gradient"])[strict].max() < 1e-9
    assert np.asarray(narrow["lowest_eigenvalue"])[strict].min() > 1e-6
    assert set(json.loads((out / "results.json").read_text())["data"]) == {
        "finite",
        "stops",
    }
    with Image.open(out / "figure.png") as picture:
        assert picture.size[0] > 800


def test_the_pixels_are_the_digits_own():
    problem = optimisation_problem(OptimisationConfig(images=3, pixels=36))
    images = hl.data.digits()
    zero = images.pixels[images.labels.index("0"), :, :, 0][1:7, 1:7]
    expected = (zero - zero.mean()) / zero.std()
    np.testing.assert_allclose(
        problem.y[0, :, 0], expected.ravel(), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(jnp.mean(problem.x**2, axis=1), 1, rtol=1e-5)
    # The corners of the coordinates, row by row.
    np.testing.assert_allclose(
        np.asarray(problem.z)[[0, 5, 30]],
        [[-1.5, -1.5], [-1.5, 1.5], [1.5, -1.5]],
        atol=1e-6,
    )


def placed(activation, weights, y):
    """A network of one x, with g of width one standing at given weights."""
    spec = OptimisationConfig().spec(activation, 1)
    z = jnp.linspace(-1.5, 1.5, y.size)[:, None]
    x = jnp.ones((1, 4))
    net = hl.meta_wide_limit(spec).init(x, key=jax.random.key(0), z=z)
    net = eqx.tree_at(lambda n: n.initial, net, jnp.asarray(weights)[None])
    stacked = jax.tree.map(lambda leaf: leaf[None], net)
    return stacked, Problem(x, z, jnp.asarray(y)[None, :, None])


@pytest.mark.float64_only(reason="minima are told apart in double precision")
def test_saddles_and_slopes_are_no_minima():
    """g(z) = b2 + w2 sin(w1 z + b1) / c, with sin's unit second moment c."""
    unit = float(np.sqrt((1 - np.exp(-2)) / 2))
    y = np.sin(1.3 * np.linspace(-1.5, 1.5, 9) + 0.4) + 0.05 * (-1.0) ** np.arange(9)
    near = [1.3, 0.4, unit, 0.0]
    stopped = np.array([[0.05**2]])
    found = verify(*placed("sin", near, y), stopped)
    assert found.share[0, 0] == pytest.approx(0.05**2, rel=0.2)
    # It was polished by more than a stop may move: allow that, and it is strict.
    found = verify(*placed("sin", near, y), found.share)
    assert found.strict[0, 0]
    # No unit at all and the mean of y: the gradient of w2 vanishes, and of the rest.
    flat = [0.0, 0.0, 0.0, float(y.mean())]
    saddle = verify(*placed("sin", flat, y), np.array([[y.var()]]))
    assert not saddle.minimum[0, 0]
    slope = verify(*placed("sin", [1.3, 0.4, 0.5, 0.0], y), stopped)
    assert not slope.critical[0, 0]


@pytest.mark.float64_only(reason="gradients on two sides of a kink")
def test_kinks_are_told_from_slopes():
    """b2 + w2 sqrt(2) relu(w1 z + b1), its kink on the third of five points.

    With residuals r and the best w2 and b2, the gradients of the two sides differ in
    b1 alone: w2 (r4 + r5) where the third point is off, w2 (r3 + r4 + r5) where on.
    """
    z, seen = np.linspace(-1.5, 1.5, 5), set()
    doubtful = np.array([True])
    for y in np.random.default_rng(0).normal(size=(6, 5)):
        design = np.stack([2**0.5 * np.fmax(z, 0), np.ones(5)], axis=1)
        slope, base = np.linalg.lstsq(design, y)[0]
        left = design @ [slope, base] - y
        expected = bool(left[3:].sum() * left[2:].sum() < 0)
        seen.add(expected)
        for factor, answer in ((1.0, expected), (0.7, False)):
            net, problem = placed("relu", [1.0, 0.0, factor * slope, base], y)
            primaries = jax.tree.map(lambda leaf: leaf[0], net).primaries()
            assert at_kinks(primaries, problem, doubtful, 0)[0] == answer
            assert not at_kinks(primaries, problem, ~doubtful, 0)[0]
    assert seen == {True, False}


def test_wrong_settings_are_one_sentence(refuses):
    with refuses("draws=1"):
        OptimisationConfig(draws=1)
    with refuses("images=11"):
        OptimisationConfig(images=11)
    with refuses("widths=(2, 1)"):
        OptimisationConfig(widths=(2, 1), narrow=(1,))
    with refuses("narrow=(5,)"):
        OptimisationConfig(narrow=(5,))
