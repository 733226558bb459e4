"""Tasks, meta-training by hand, kernels by another regression, and the quick study."""

import dataclasses
import io
import json
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import stats

import hyperlimit as hl
from hyperlimit.studies import Silent, run_study, study
from hyperlimit.studies.few_shot import FewShotConfig
from hyperlimit.studies.few_shot._findings import mean_interval
from hyperlimit.studies.few_shot._kernels import KERNELS, kernel_accuracies
from hyperlimit.studies.few_shot._tasks import (
    Draws,
    characters,
    drawn,
    tasks_of,
)
from hyperlimit.studies.few_shot._train import (
    accuracies,
    cross_entropy,
    meta_trained,
)

pytestmark = pytest.mark.study

SMALL = FewShotConfig(
    side=4, runs=2, ways=3, tasks=4, meta_steps=2, tests=1, inner_steps=2, test_steps=3
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("few-shot")
    return out, run_study(study("few-shot"), out, Silent(), quick=True)


def test_the_limit_learns_features_that_kernels_lack(quick):
    out, found = quick
    config, data = study("few-shot").quick, found["data"]
    assert (data["characters"], data["count"]) == ("glyphs", 261)
    curves = data["percent_right_by_run"]
    for name in ("limit", *(f"width {width}" for width in config.widths)):
        assert curves[name].shape == (config.runs, config.tests + 1)
    limit, linear = curves["limit"], curves["linear NTK and GP"]
    # A mean over 1,000 tasks of five answers errs by some 0.8 points.
    assert limit[:, -1].mean() > linear[:, -1].mean() + 2.5
    assert limit[:, -1].mean() > limit[:, 0].mean() + 1.5
    assert abs(limit[:, -1].mean() - curves["width 128"][:, -1].mean()) < 3
    assert curves["width 2"][:, -1].mean() < limit[:, -1].mean() - 10
    rows = {row["what"]: row for row in found["findings"]}
    row = rows["limit minus linear NTK and GP"]
    assert row["measured"] == pytest.approx((limit[:, -1] - linear[:, -1]).mean())
    assert json.loads((out / "results.json").read_text())["quick"] is True


@pytest.fixture(scope="module")
def images():
    """Eight classes of six images of 16 pixels."""
    draw = np.random.default_rng(0)
    means = draw.uniform(size=(8, 1, 16))
    return jnp.asarray(means + 0.3 * draw.uniform(size=(8, 6, 16)), float)


def five_of_eight(shape, seed=0):
    return drawn(np.array([0, 1, 3, 4, 6]), 6, 3, shape, np.random.default_rng(seed))


def test_tasks_are_other_drawings_of_different_classes():
    found = five_of_eight((20, 20))
    assert {part.shape for part in found} == {(20, 20, 3)}
    classes, first, second = (part.reshape(400, 3) for part in found)
    assert all(len(set(row)) == 3 for row in classes)
    assert np.all(first != second)
    # Each of 60 ordered triples 6.7 times, with a deviation of 2.6; each class in
    # each place 80 times (8), and each of 30 pairs of people 40 times (6).
    triples = np.unique(classes, axis=0, return_counts=True)[1]
    assert len(triples) == 60
    assert triples.max() < 20
    for place in classes.T:
        counts = np.bincount(place, minlength=8)
        assert np.all(counts[[2, 5, 7]] == 0)
        assert np.all(np.abs(counts[[0, 1, 3, 4, 6]] - 80) < 40)
    pairs = np.bincount((6 * first + second).ravel(), minlength=36).reshape(6, 6)
    assert np.all(np.abs(pairs + 40 * np.eye(6) - 40) < 30)
    again, other = five_of_eight((20, 20)), five_of_eight((20, 20), seed=1)
    np.testing.assert_array_equal(found.classes, again.classes)
    assert not np.array_equal(found.classes, other.classes)


def test_tasks_hold_the_images_that_were_drawn(images):
    draws = five_of_eight((4,))
    found = tasks_of(images, draws)
    for task, way in np.ndindex(4, 3):
        kind = draws.classes[task, way]
        expected = images[kind, draws.first[task, way]]
        np.testing.assert_array_equal(found.inputs[task, way], expected)
        expected = images[kind, draws.second[task, way]]
        np.testing.assert_array_equal(found.new_inputs[task, way], expected)
    for labels in (found.targets, found.new_targets):
        np.testing.assert_array_equal(labels, np.tile(np.arange(3), (4, 1)))


def test_a_meta_step_is_first_order_maml(images, tolerance):
    """Inner descent on whole matrices, a task at a time; the sum, clipped."""
    config = dataclasses.replace(SMALL, clip=0.01, order=1)
    net = hl.linear_limit(16, 3, output_std=0.3).sampled(5, key=jax.random.key(1))
    draws = five_of_eight((1, 4))
    tasks = tasks_of(images, Draws(*(part[0] for part in draws)))

    @jax.jit
    def slope(w1, w2, x, y):
        return jax.grad(lambda a, b: cross_entropy(x @ a.T @ b.T, y), argnums=(0, 1))(
            w1, w2
        )

    total = [0.0, 0.0]
    for x, y, new_x, new_y in zip(*tasks, strict=True):
        w1, w2 = net.first, net.second
        for _ in range(2):
            g1, g2 = slope(w1, w2, x, y)
            w1, w2 = w1 - 0.4 * g1, w2 - 0.4 * g2
        g1, g2 = slope(w1, w2, new_x, new_y)
        total = [np.asarray(total[0] + g1), np.asarray(total[1] + g2)]
    norm = np.sqrt(sum(np.sum(g**2) for g in total))
    assert norm > 0.05
    found = meta_trained(config, net, images, draws)
    for new, old, g in zip(
        (found.first, found.second), (net.first, net.second), total, strict=True
    ):
        np.testing.assert_allclose(
            new, old - 0.1 * 0.01 / norm * g, atol=10 * tolerance
        )


def test_answers_are_those_after_descent(images):
    config = dataclasses.replace(SMALL, inner_rate=1.0)
    net = hl.linear_limit(16, 3, output_std=0.3)
    tasks = tasks_of(images, five_of_eight((30,)))
    found = accuracies(config, net, tasks)
    expected = []
    for x, y, new_x, new_y in zip(*map(np.asarray, tasks), strict=True):
        w1, w2 = np.asarray(net.first), np.asarray(net.second)
        for _ in range(3):
            outputs = x @ w1.T @ w2.T
            chances = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
            chi = (chances - np.eye(3)[y]) / 3
            w1, w2 = w1 - w2.T @ chi.T @ x, w2 - chi.T @ x @ w1.T
        expected.append(np.mean((new_x @ w1.T @ w2.T).argmax(axis=1) == new_y))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0.4 < np.mean(expected) < 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_regress(kernel, images):
    """Beside the library's regression, a task at a time."""
    activation, kind, centred = KERNELS[kernel]
    mean = jnp.linspace(0.0, 1.0, 16) if centred else jnp.zeros(16)
    tasks = tasks_of(images, five_of_eight((4,)))
    limit = hl.dual_limit(hl.mlp(depth=2, width=1, activation=activation, out=1))
    expected = []
    for x, y, new_x, new_y in zip(*tasks, strict=True):
        targets = jax.nn.one_hot(y, 3, dtype=float) - 1 / 3
        fit = hl.regress(limit, x - mean[None], targets, ridge=1e-6, kind=kind)
        expected.append(
            np.mean(np.argmax(fit.mean(new_x - mean[None]), axis=1) == new_y)
        )
    found = kernel_accuracies(KERNELS[kernel], tasks, jnp.linspace(0.0, 1.0, 16))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.fixture
def folder(tmp_path):
    """Two alphabets of one and two characters by two people."""
    draw = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "images_few.zip", "w") as archive:
        for name in ("One/a", "Two/a", "Two/b"):
            for person in range(2):
                ink = draw.integers(0, 2, (4, 4)).astype(bool)
                content = io.BytesIO()
                Image.fromarray(~ink).convert("1").save(content, "PNG")
                archive.writestr(f"images_few/{name}/{person}.png", content.getvalue())
    return tmp_path


def test_characters_in_four_orientations(folder):
    config = dataclasses.replace(SMALL, data=str(folder))
    found, upright = characters(config), hl.data.omniglot(folder).pixels
    assert found.name == "omniglot"
    assert found.images.shape == (12, 2, 16)
    for turns in range(4):
        for index in range(6):
            image = found.images[3 * turns + index // 2, index % 2].reshape(4, 4)
            expected = np.rot90(upright[index, ..., 0], turns)
            np.testing.assert_array_equal(image, expected)
    held_out = 1 * np.array([found.held_out(config, run) for run in range(2)])
    np.testing.assert_array_equal(held_out.sum(axis=0), 1)
    for name in ("One", "Two"):
        assert np.ptp(held_out[:, found.alphabets == name], axis=1).max() == 0


def test_mistakes(folder, refuses, tmp_path):
    with refuses("2 alphabets for runs=3", "fewer runs"):
        characters(dataclasses.replace(SMALL, data=str(folder), runs=3))
    with refuses("tests=3 and meta_steps=2", "divides"):
        dataclasses.replace(SMALL, tests=3)
    with refuses("runs=1", "at least 2"):
        dataclasses.replace(SMALL, runs=1)
    out = tmp_path / "out"
    with refuses("nowhere", "images_*.zip"):
        run_study(study("few-shot"), out, Silent(), data="nowhere")
    with refuses("--data nowhere", "rotation makes its own"):
        run_study(study("rotation"), out, Silent(), data="nowhere")
    assert not out.exists()


def test_intervals_are_students():
    values = np.random.default_rng(0).normal(size=(4, 3))
    mean, bounds = mean_interval(values)
    for index in range(3):
        peer = stats.ttest_1samp(values[:, index], 0).confidence_interval(0.95)
        assert bounds[:, index] == pytest.approx((peer.low, peer.high))
        assert mean[index] == pytest.approx(values[:, index].mean())
