"""The task, the networks in muP, and the quick study of the pi-limit."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import hyperlimit as hl
from hyperlimit.studies import Silent, run_study, study
from hyperlimit.studies.pi_limit import PiLimitConfig
from hyperlimit.studies.pi_limit._findings import mean_interval
from hyperlimit.studies.pi_limit._methods import (
    Method,
    _plain,
    chosen,
    description,
    methods,
)
from hyperlimit.studies.pi_limit._task import Score, score, tasks

pytestmark = pytest.mark.study

SMALL = PiLimitConfig(side=6, train=30, test=20, validation=10, rank=4, seeds=2)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("pi")
    return out, run_study(study("pi-limit"), out, Silent(), quick=True)


def test_the_quick_study(quick):
    out, found = quick
    config = study("pi-limit").quick
    names = [one["method"] for one in found["data"]["methods"]]
    assert names[:4] == ["NNGP", "NTK", "pi-limit", f"pi, width {config.pi_widths[0]}"]
    # Chance is 0.1, with a standard error of 0.015 for 400 images.
    for one in found["data"]["methods"]:
        assert len(one["accuracy"]) == config.seeds
        assert np.mean(one["accuracy"]) > 0.3
    last = found["findings"][-1]
    assert last["expected"] == "-1/2"
    assert -0.8 < last["measured"] < -0.25
    assert json.loads((out / "results.json").read_text())["quick"] is True


def test_no_test_image_is_for_choosing_or_training():
    (train, held), splits = tasks(SMALL)
    assert len(splits) == 2
    for own, test in splits:
        assert (len(own.x), len(test.x), len(held.x)) == (30, 20, 10)
        rows = [tuple(np.asarray(row).tolist()) for row in (*own.x, *test.x, *held.x)]
        assert len(set(rows)) == 60
    assert not np.array_equal(splits[0][0].x, splits[1][0].x)
    np.testing.assert_allclose(jnp.sum(train.x**2, axis=1), 36, rtol=1e-5)
    np.testing.assert_array_equal(np.argmax(train.y, axis=1), train.labels)
    np.testing.assert_allclose(jnp.sum(train.y, axis=1), 0, atol=1e-6)


def test_the_score_by_hand():
    (train, _), _ = tasks(SMALL)
    outputs = train.y + 0.1
    assert score(train.y, train) == (1.0, 0.0)
    found = score(outputs.at[:15].set(-train.y[:15]), train)
    # A wrong class, twice the target off; the others a tenth in each of ten outputs.
    assert found.accuracy == pytest.approx(0.5)
    assert found.loss == pytest.approx((0.9 * 4 / 2 + 0.01 * 10 / 2) / 2, rel=1e-5)


def test_plain_networks_have_unit_variance_and_do_not_project():
    limit = hl.pi_limit(description(SMALL), rank=4)
    net = _plain(limit, 300)(jnp.ones((2, 36)), jax.random.key(0))
    assert net.omegas == ()
    # The first two layers' units, at the scale of N(0, 1).
    first, second, last = net.values.weights
    x = jnp.ones(36)
    h = first @ x / 6
    g = second @ (jnp.sqrt(2.0) * jax.nn.relu(h))
    for units in (h, g):
        np.testing.assert_allclose(jnp.mean(units**2), 1, atol=0.35)
    np.testing.assert_array_equal(last, 0)
    # Only the readout moves in a first step, by the rate over the width.
    y = jnp.arange(10.0)[None]
    after, _ = net.step(x[None], y, learning_rate=0.5)
    active = jnp.sqrt(2.0) * jax.nn.relu(g)
    np.testing.assert_allclose(
        after.values.weights[-1], 0.5 / 300 * y.T @ active[None], rtol=1e-4, atol=1e-7
    )
    np.testing.assert_array_equal(after.values.weights[0], first)


def test_a_number_is_chosen_by_the_loss():
    def run(train, test, number, key):
        return Score(number, abs(number - 1.2))

    method = Method("", "", None, (0.5, 1.0, 2.0, 4.0), run)
    (train, held), _ = tasks(SMALL)
    assert chosen(method, train, held, jax.random.key(0)) == 1.0


def test_what_diverges_is_as_good_as_chance():
    (train, held), _ = tasks(SMALL)
    limit = [m for m in methods(SMALL) if m.kind == "limit"]
    found = limit[0].run(train, held, 1e9, jax.random.key(0))
    assert found.accuracy == pytest.approx(0.1)
    assert found.loss == pytest.approx(0.45, rel=1e-5)


def test_intervals_are_students():
    values = np.array([0.3, 0.5, 0.4, 0.45])
    mean, bounds = mean_interval(values)
    peer = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean == pytest.approx(values.mean())
    assert bounds == pytest.approx((peer.low, peer.high))


def test_too_many_digits_are_refused(refuses):
    with refuses("9600 digits were asked for and there are 5000"):
        tasks(dataclasses.replace(SMALL, train=9000, test=590))
