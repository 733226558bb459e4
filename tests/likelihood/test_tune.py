"""Slopes beside differences, and the numbers that data were drawn with, recovered."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import hyperlimit as hl
from hyperlimit.likelihood import _tune
from hyperlimit.likelihood._ascent import ascend
from hyperlimit.likelihood._dense import DenseObjective
from hyperlimit.likelihood._evaluation import AbstractObjective, Evaluation
from hyperlimit.likelihood._expanded import ExpandedObjective
from hyperlimit.likelihood._log_numbers import NAMES, log_numbers
from hyperlimit.limits.gram import points_of
from likelihood.problem import (
    BANDWIDTH,
    RIDGE,
    N,
    coordinates,
    drawn,
    gram,
    images,
    mask,
    spec,
)


@pytest.fixture(scope="module")
def targets():
    return drawn()[0]


def objective(targets, *, known=None, dense=True, learn=NAMES, seed=0, start=None):
    start = spec() if start is None else start
    numbers = log_numbers(start, "ntk", RIDGE, learn)
    x = jnp.asarray(images(), float)
    points, dtype = points_of(x, coordinates(), known, 1)
    values = _tune._values(targets, points)
    if dense:
        return DenseObjective(numbers, points, values)
    limit = hl.dual_limit(start)
    family = _tune._family(limit, numbers, points, dtype, 2**30)
    return ExpandedObjective(
        numbers, family, values, probes=16, seed=seed, memory=2**30
    )


def differences(value, theta, step=1e-4):
    return np.array(
        [
            (value(theta + step * one) - value(theta - step * one)) / (2 * step)
            for one in np.eye(len(theta))
        ]
    )


THETA = np.array([0.1, -0.2, 0.05, 0.1, -0.1, 0.2])


def test_the_exact_likelihood_and_its_slopes(targets):
    """The value from a kernel of the new description; slopes by differences of it."""
    found = objective(targets, known=mask())
    evaluation = found(THETA)
    values, ridge = found.numbers.at(THETA)
    new = found.numbers.kernel.at(values).spec()
    assert new.primary.inputs.bandwidth == pytest.approx(BANDWIDTH * np.exp(-0.1))
    kept = mask().reshape(-1)
    matrix = gram(new, images(), coordinates())[np.ix_(kept, kept)]
    covariance = matrix + ridge * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    y = targets.reshape(-1, 2)[kept]
    scale = np.sum(y * np.linalg.solve(covariance, y)) / y.size
    expected = -(
        y.size * (1 + np.log(2 * np.pi * scale)) + 2 * np.linalg.slogdet(covariance)[1]
    )
    assert evaluation.value == pytest.approx(expected / 2, rel=1e-4)
    assert evaluation.amplitude == pytest.approx(scale, rel=1e-3)
    slopes = differences(lambda theta: found(theta).value, THETA)
    np.testing.assert_allclose(evaluation.slopes, slopes, atol=1e-3)


def test_weights_of_a_homogeneous_network_are_an_amplitude(targets):
    """No slope, where biases are zero: the amplitude takes it up."""
    found = objective(targets, start=spec(bias=0.0))
    assert found.numbers.groups == (
        "weight_std of f",
        "weight_std of g",
        "bandwidth of g",
    )
    slopes = found(np.array([0.1, 0.2, 0.0, 0.0])).slopes
    np.testing.assert_allclose(slopes[:2], 0, atol=1e-6)
    assert abs(slopes[2]) > 1


@pytest.mark.parametrize("known", [None, mask()], ids=["all", "some"])
def test_estimates_are_right_on_average(targets, known):
    """Over probes of six seeds, within the spread of their mean."""
    exact = objective(targets, known=known)(THETA)
    estimate = objective(targets, known=known, dense=False)
    found = []
    for seed in range(6):
        estimate._settings["seed"] = seed
        found.append(estimate(THETA))
    for index in range(len(THETA)):
        slopes = np.array([one.slopes[index] for one in found])
        spread = slopes.std(ddof=1) / 6**0.5
        assert abs(slopes.mean() - exact.slopes[index]) < 5 * spread + 0.02
    values = np.array([one.value for one in found])
    error = np.mean([one.error for one in found])
    assert abs(values.mean() - exact.value) < 4 * error / 6**0.5 + 0.01
    assert 0.3 * error < values.std(ddof=1) < 3 * error
    assert found[0].amplitude == pytest.approx(exact.amplitude, rel=1e-3)
    assert estimate.family.renewals == 1


LEARN = ("bandwidth", "ridge")


@pytest.fixture(scope="module")
def best(targets):
    """The likeliest bandwidth and ridge by a search that asks for values alone."""
    exact = objective(targets, learn=LEARN)
    found = scipy.optimize.minimize(
        lambda theta: -exact(theta).value,
        np.zeros(2),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4},
    )
    # The curvature there says how well the data know them.
    curvature = -np.stack(
        [
            (exact(found.x + 0.02 * one).slopes - exact(found.x - 0.02 * one).slopes)
            / 0.04
            for one in np.eye(2)
        ]
    )
    return found.x, -found.fun, np.linalg.inv(curvature)


def beside_the_truth(found):
    bandwidth = found.spec.primary.inputs.bandwidth
    return np.log([bandwidth / BANDWIDTH, found.ridge / RIDGE])


def test_numbers_are_recovered(targets, best):
    """From a bandwidth half as large and a ridge ten times as large."""
    started = []
    found = hl.tune(
        spec(BANDWIDTH / 2),
        jnp.asarray(images(), float),
        coordinates(),
        targets,
        ridge=10 * RIDGE,
        learn=LEARN,
        progress=lambda step, value: started.append(value),
    )
    theta, value, covariance = best
    learned = np.log(
        [found.spec.primary.inputs.bandwidth / BANDWIDTH, found.ridge / RIDGE]
    )
    np.testing.assert_allclose(learned, theta, atol=0.02)
    assert found.log_likelihood == pytest.approx(value, abs=1e-2)
    # What the data were drawn with, zero, within the errors that the data leave.
    assert learned @ np.linalg.solve(covariance, learned) < 12
    assert found.error == 0
    assert found.spec.meta == spec().meta
    values = [step.log_likelihood for step in found.history]
    assert values == sorted(values) == started
    assert values[-1] > values[0] + 50
    assert found.amplitude == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("known", [None, mask()], ids=["all", "some"])
def test_iteration_climbs_as_high(targets, known, monkeypatch):
    """The exact likelihood of what was found, beside the exact optimum."""
    given = (jnp.asarray(images(), float), coordinates(), targets, known)
    begun, settings = spec(0.7 * BANDWIDTH), {"learn": LEARN, "steps": 6}
    exact = hl.tune(begun, *given, ridge=3 * RIDGE, **settings)
    monkeypatch.setattr(_tune, "_DENSE", 0)
    found = hl.tune(hl.dual_limit(begun), *given, ridge=3 * RIDGE, **settings)
    monkeypatch.undo()
    checked = hl.tune(found.spec, *given, ridge=found.ridge, steps=0)
    start = exact.history[0].log_likelihood
    assert exact.log_likelihood > start + 20
    # Of some values the probes of one seed leave an error of about three.
    assert checked.log_likelihood > exact.log_likelihood - 1.5 * found.error - 0.5
    assert abs(found.log_likelihood - checked.log_likelihood) < 4 * found.error + 0.5
    assert found.error > 0
    values = [step.log_likelihood for step in found.history]
    assert values == sorted(values)


class Cliff(AbstractObjective):
    """A parabola around two that nothing beyond 1.5 can be computed of."""

    def __call__(self, theta):
        if theta[0] > 1.5:
            raise hl.InputError("too far: stay below")
        value = -float((theta[0] - 2) ** 2)
        return Evaluation(value, 0.0, np.array([4 - 2 * theta[0]]), 1.0, False)


def test_places_where_nothing_can_be_computed_are_counted():
    numbers = log_numbers(spec(), "ntk", RIDGE, ("bandwidth",))
    found = ascend(Cliff(), numbers, 1, 20, None)
    assert found.refused > 0
    assert 1 < found.theta[0] <= 1.5
    assert not found.found.settled


def test_what_has_not_settled_is_said(targets, monkeypatch):
    """At the end of the ascent, in one warning."""
    monkeypatch.setattr(_tune, "_DENSE", 0)
    given = (jnp.asarray(images(), float), coordinates(), targets)
    # Nothing is settled enough.
    for name in ("_SETTLED", "_EXACT"):
        name = f"hyperlimit.linalg.solvers._log_determinant.{name}"
        monkeypatch.setattr(name, -1.0)
    with pytest.warns(UserWarning, match="where the ascent ended has not settled"):
        found = hl.tune(spec(), *given, ridge=RIDGE, learn=LEARN, steps=0)
    assert not found.settled
    assert found.refused == 0


def test_images_are_left_out_where_there_are_too_many(targets, monkeypatch):
    """The likelihood of those that were drawn, by themselves."""
    chosen = np.sort(np.random.default_rng(0).permutation(N)[:6])
    known = mask()
    given = (jnp.asarray(images(), float), coordinates(), targets, known)
    found = hl.tune(spec(), *given, ridge=RIDGE, learn=LEARN, steps=0, images=6)
    assert found.images == 6
    assert found.spec == spec()
    kept = known[chosen].reshape(-1)
    matrix = gram(spec(), images()[chosen], coordinates())[np.ix_(kept, kept)]
    covariance = matrix + RIDGE * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    y = targets[chosen].reshape(-1, 2)[kept]
    scale = np.sum(y * np.linalg.solve(covariance, y)) / y.size
    assert found.amplitude == pytest.approx(scale, rel=1e-3)
    monkeypatch.setattr(_tune, "_VALUES", int(known.sum()) // 2)
    halved = hl.tune(spec(), *given, ridge=RIDGE, learn=LEARN, steps=0)
    assert halved.images == N // 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learn": ("width",)}, "('width',)"),
        ({"learn": "ridge"}, "learn='ridge'"),
        ({"learn": ()}, "nothing to learn"),
        ({"kind": "both"}, "kind='both'"),
        ({"ridge": 0.0}, "ridge=0.0"),
        ({"steps": -1}, "steps=-1"),
        ({"images": 0}, "images=0"),
        ({"limit": hl.mlp(depth=2, width=4, out=1)}, "Network"),
        ({"targets": np.ones((3, 4))}, "targets have shape (3, 4)"),
        ({"targets": np.full((N, 25), np.nan)}, "known targets hold 400 numbers"),
        ({"known": np.ones((2, 2), bool)}, "mask has shape (2, 2)"),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    given = {
        "limit": spec(),
        "x": jnp.asarray(images(), float),
        "z": coordinates(),
        "targets": np.ones((N, 25)),
        "known": None,
    } | change
    parts = [given.pop(name) for name in ("limit", "x", "z", "targets", "known")]
    with refuses(words):
        hl.tune(*parts, **given)


def test_images_whose_kernels_do_not_fit_are_refused(targets, refuses, monkeypatch):
    monkeypatch.setattr(_tune, "_DENSE", 0)
    with refuses("memory=100", "fewer images"):
        hl.tune(
            spec(), jnp.asarray(images(), float), coordinates(), targets, memory=100
        )
