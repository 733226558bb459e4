"""Angles and classes, one step of training by hand, and the quick study."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

import hyperlimit as hl
from hyperlimit.studies import Silent, run_study, study
from hyperlimit.studies.rotation import RotationConfig
from hyperlimit.studies.rotation._findings import (
    difference,
    mean_interval,
    spread_ratio,
)
from hyperlimit.studies.rotation._run import run
from hyperlimit.studies.rotation._task import (
    examples,
    nearest_class,
    rotation_task,
    turned,
)
from hyperlimit.studies.rotation._train import (
    accuracy,
    epoch_of_training,
    on_device,
    specification,
)

pytestmark = pytest.mark.study

SMALL = RotationConfig(
    side=8, digits=30, train=40, test=12, meta_widths=(6, 5), batch=4
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("rotation")
    return out, run_study(study("rotation"), out, Silent(), quick=True)


def test_a_wider_primary_trains_better(quick):
    out, found = quick
    config = study("rotation").quick
    narrow, wide = found["data"]["accuracy"]
    assert (narrow["width"], wide["width"]) == config.widths
    for table, seeds in zip((narrow, wide), config.seeds, strict=True):
        assert np.shape(table["test"]) == (seeds, config.epochs)
    ends = [np.mean(np.asarray(table["test"])[:, -1]) for table in (narrow, wide)]
    # Chance is 1/12, with a standard error of 0.012 for 500 examples.
    assert ends[1] > 0.2
    assert ends[1] > ends[0] + 0.05
    first = found["findings"][0]
    assert first["measured"] == pytest.approx(ends[1] - ends[0])
    assert json.loads((out / "results.json").read_text())["quick"] is True


def test_the_rate_is_the_one_that_trains_best():
    """One that hardly moves, one that learns its 40 pairs, one too large."""
    config = dataclasses.replace(
        SMALL,
        meta_widths=(30,),
        depths=(2,),
        widths=(10, 11),
        seeds=(3, 2),
        tuning_seeds=(2, 1),
        epochs=30,
        rates=(1e-9, 0.003, 1.0),
    )
    found = run(config, Silent()).data["accuracy"]
    for cell, seeds in zip(found, (3, 2), strict=True):
        assert cell["rate"] == 0.003
        assert cell["train"].shape == (seeds, 30)
        assert cell["train"][:, -1].mean() > 0.8


def test_seeds_are_different_networks(quick):
    curves = quick[1]["data"]["accuracy"][1]["train"]
    assert len({tuple(curve) for curve in curves}) == len(curves)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(0.0, 0), (14.9, 0), (15.1, 1), (180.0, 6), (344.9, 11), (345.1, 0), (359.9, 0)],
)
def test_classes_are_nearest_on_the_circle(degrees, expected):
    assert nearest_class(np.array([degrees])) == expected
    around = np.abs((np.arange(12) * 30 - degrees + 180) % 360 - 180)
    assert expected == around.argmin()


def test_quarter_turns_are_exact():
    images = np.random.default_rng(0).uniform(size=(5, 6, 6)).astype(np.float32)
    found = turned(images, np.array([0.0, 90.0, 180.0, 270.0, 360.0]))
    for quarters, (image, result) in enumerate(zip(images, found, strict=True)):
        np.testing.assert_array_equal(result, np.rot90(image, quarters))


def test_turns_agree_with_scipy():
    rows, columns = np.mgrid[:15, :15] - 7.0
    image = np.exp(-((rows - 2) ** 2 + (columns + 1) ** 2) / 6).astype(np.float32)
    for angle in (20.0, 133.0):
        found = turned(image[None], np.array([angle]))[0]
        expected = ndimage.rotate(image, angle, reshape=False, order=1)
        # Beyond the edge the two see different things.
        inside = rows**2 + columns**2 < 36
        np.testing.assert_allclose(found[inside], expected[inside], atol=1e-5)


def test_examples_are_one_image_turned_twice():
    """g's image, turned back by the angle that its class says, is nearly f's."""
    rows, columns = np.mgrid[:20, :20] - 9.5
    blob = np.exp(-((rows - 4) ** 2 + columns**2) / 6).astype(np.float32)
    found = examples(blob[None], 300, np.random.default_rng(0))
    np.testing.assert_allclose(np.sum(found.x**2, axis=1), 400, rtol=1e-5)

    def direction(flat):
        weights = flat.reshape(-1, 20, 20)
        # Anticlockwise from the first axis, rows pointing down.
        return np.angle(np.einsum("nij,ij->n", weights, columns - 1j * rows))

    between = np.degrees(direction(found.z) - direction(found.x))
    off = (between - 30 * found.labels + 180) % 360 - 180
    assert np.all(np.abs(off) < 16)
    assert np.abs(off).max() > 13
    counts = np.bincount(found.labels, minlength=12)
    assert len(counts) == 12
    assert counts.min() > 8


def test_every_image_is_used_as_often():
    images = np.stack([np.full((4, 4), value, np.float32) for value in (0.25, 0.5, 1)])
    rows = np.random.default_rng(0).permutation(7) % 3
    assert sorted(np.bincount(rows)) == [2, 2, 3]
    found = examples(images, 7, np.random.default_rng(0))
    assert found.x.shape == found.z.shape == (7, 16)


def test_tasks_come_from_the_seed():
    one, two = rotation_task(SMALL), rotation_task(SMALL)
    np.testing.assert_array_equal(one[0].x, two[0].x)
    np.testing.assert_array_equal(one[1].labels, two[1].labels)
    other = rotation_task(dataclasses.replace(SMALL, seed=1))
    assert not np.array_equal(one[0].x, other[0].x)
    assert len(one[0].labels) == 40
    assert len(one[1].labels) == 12


def test_an_epoch_is_steps_of_descent(epsilon):
    train = on_device(rotation_task(SMALL)[0])
    spec = specification(SMALL, depth=3, width=4)
    assert [p.shape for p in spec.generated_parameters(64)] == [
        (4, 64),
        (4, 4),
        (12, 4),
    ]
    net = hl.init(spec, key=jax.random.key(0), x=64, z=64, parametrisation="standard")
    batches = jnp.arange(8).reshape(2, 4)
    rate = jnp.asarray(0.003)
    found = epoch_of_training(net, train, batches, rate)

    @jax.jit
    def descended(net, rows):
        def loss(net):
            chances = jax.nn.softmax(net.batch(train.x[rows], train.z[rows][:, None]))
            right = chances[jnp.arange(4), 0, train.labels[rows]]
            return -jnp.log(jnp.prod(right)) / 4

        gradient = jax.grad(loss)(net)
        return jax.tree.map(lambda w, g: w - rate * g, net, gradient)

    for rows in batches:
        net = descended(net, rows)
    for got, expected in zip(jax.tree.leaves(found), jax.tree.leaves(net), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e3 * epsilon)
    outputs = jax.jit(jax.vmap(net))(train.x, train.z)
    right = np.asarray(outputs).argmax(axis=1) == np.asarray(train.labels)
    assert accuracy(net, train) == pytest.approx(right.mean())


def test_intervals_cover():
    rng = np.random.default_rng(0)
    hits = np.zeros(3)
    for _ in range(1000):
        one, two = rng.normal(size=4), 1 + 2 * rng.normal(size=4)
        low, high = mean_interval(two)
        bounds = difference(two, one)[1], spread_ratio(two, one)[1]
        hits += (
            low < 1 < high,
            bounds[0][0] < 1 < bounds[0][1],
            bounds[1][0] < 2 < bounds[1][1],
        )
    # Four standard errors of a share of 1,000 are 0.028; Welch's is a little wide.
    np.testing.assert_allclose(hits / 1000, 0.95, atol=0.03)
    measured, bounds = difference(np.array([1.0, 2, 3]), np.array([0.0, 1, 5]))
    assert measured == 0
    assert bounds[0] == pytest.approx(-bounds[1])
    one, two = rng.normal(size=3), 2 * rng.normal(size=7)
    peer = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.95)
    assert difference(one, two)[1] == pytest.approx((peer.low, peer.high))
    same = np.full(3, 0.1)
    assert difference(2 * same, same)[1] == pytest.approx((0.1, 0.1))
    assert spread_ratio(one, same)[0] == np.inf
