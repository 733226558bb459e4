"""The completion study at a small size, from images to files and back."""

import json

import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import hyperlimit as hl
from hyperlimit.studies._reporter import Silent
from hyperlimit.studies.completion import CompletionConfig, complete, predict

PRECISION = "float64" if jax.config.read("jax_enable_x64") else "float32"
SMALL = {"data": "digits", "train": 60, "test": 12, "precision": PRECISION}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    config = CompletionConfig(**SMALL, finite_steps=60)
    # Optax's schedules divide integers by floats, which strict promotion refuses.
    with jax.numpy_dtype_promotion("standard"):
        return out, complete(config, out, Silent(), compare=True)


def test_everything_is_written_and_says_where_it_comes_from(finished):
    out, metrics = finished
    names = {path.name for path in out.iterdir()}
    assert names == {"completions.png", "loss.png", "metrics.json", "model.npz"}
    assert json.loads((out / "metrics.json").read_text())["errors"] == metrics["errors"]
    assert metrics["config"]["seed"] == 0
    assert metrics["provenance"]["packages"]["jax"] == jax.__version__
    with Image.open(out / "completions.png") as picture:
        assert picture.size[0] > 500


def test_the_hyperkernel_beats_the_mean_image(finished):
    errors = finished[1]["errors"]
    neighbours = [name for name in errors if name.endswith(" nearest neighbours")]
    assert int(neighbours[0].split()[0]) in (1, 2, 5, 10, 20, 50)
    assert set(errors) == {
        "ntk",
        "mean image",
        *neighbours[:1],
        "NTK vector regression",
        "finite hypernetwork",
    }
    assert errors["ntk"]["hidden"] < 0.85 * errors["mean image"]["hidden"]
    # What is seen is fitted, so all pixels are easier than hidden ones.
    assert errors["ntk"]["all"] < errors["ntk"]["hidden"]


def test_the_finite_network_learns(finished):
    losses = finished[1]["finite_loss"]["training"]
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < np.mean(losses[:3])


def test_error_bars_cover(finished):
    coverage = finished[1]["calibration"]["coverage"]
    assert 0.5 < coverage["0.68"] < 0.95
    assert 0.75 < coverage["0.95"] <= 1


def written_digits(folder, count=5):
    folder.mkdir()
    images = hl.data.digits().split(60, 12, 0)[1]
    for index in range(count):
        levels = np.round(images.pixels[index, ..., 0] * 255).astype(np.uint8)
        Image.fromarray(levels).save(folder / f"digit{index}.png")
    return images


def test_a_saved_model_predicts_what_the_run_did(finished, tmp_path):
    written_digits(tmp_path / "in")
    metrics = predict(
        finished[0] / "model.npz", tmp_path / "in", tmp_path / "out", Silent()
    )
    done = sorted(path.name for path in (tmp_path / "out" / "completed").iterdir())
    assert done == [f"digit{i}.png" for i in range(5)]
    given = plt.imread(tmp_path / "in" / "digit0.png")
    made = plt.imread(tmp_path / "out" / "completed" / "digit0.png")
    np.testing.assert_array_equal(made[:4], given[:4])
    assert not np.array_equal(made[4:], given[4:])
    # The same images were among those that the run completed.
    assert metrics["errors_against_given"]["hidden"] == pytest.approx(
        finished[1]["errors"]["ntk"]["hidden"], rel=0.6
    )


def test_incomplete_targets(tmp_path):
    def run(**settings):
        config = CompletionConfig(**SMALL, targets="random:10", ridge=1e-2, **settings)
        metrics = complete(config, tmp_path / "out", Silent())
        assert metrics["solve"]["method"] == "dense Cholesky"
        return metrics, metrics["errors"]["ntk"]["hidden"]

    metrics, error = run()
    assert metrics["images"]["known_values"] == 600
    assert metrics["conditioned_on_own_pixels"]
    written_digits(tmp_path / "in")
    predicted = predict(
        tmp_path / "out" / "model.npz", tmp_path / "in", tmp_path / "p", Silent()
    )
    assert predicted["errors_against_given"]["hidden"] == pytest.approx(error, rel=0.6)
    plain, plain_error = run(own_pixels=False)
    assert not plain["conditioned_on_own_pixels"]
    assert error < plain_error < 0.11
    eased, eased_error = run(seen_targets=True, own_pixels=False)
    assert 60 * 32 < eased["images"]["known_values"] < 60 * 42
    assert eased_error < plain_error


def test_a_convolutional_meta_network(tmp_path):
    config = CompletionConfig(**SMALL, meta="conv", meta_depth=3)
    metrics = complete(config, tmp_path / "out", Silent())
    error = metrics["errors"]["ntk"]["hidden"]
    assert error < 0.09
    written_digits(tmp_path / "in")
    predicted = predict(
        tmp_path / "out" / "model.npz", tmp_path / "in", tmp_path / "p", Silent()
    )
    assert predicted["errors_against_given"]["hidden"] == pytest.approx(error, rel=0.6)


def test_colour_folders_blank_images_and_masks(tmp_path):
    draw = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for index in range(14):
        picture = np.zeros((6, 5, 3), np.uint8)
        if index:
            picture[:] = draw.integers(0, 255, 3)
        Image.fromarray(picture).save(tmp_path / "in" / f"{index:02d}.png")
    Image.fromarray(np.tril(np.full((6, 5), 255, np.uint8))).save(tmp_path / "m.png")
    config = CompletionConfig(
        data=str(tmp_path / "in"),
        train=10,
        test=4,
        observe=str(tmp_path / "m.png"),
        kernel="nngp",
        activation="erf",
        precision=PRECISION,
    )
    metrics = complete(config, tmp_path / "out", Silent())
    assert metrics["images"]["shape"] == (6, 5, 3)
    assert np.isfinite(metrics["errors"]["nngp"]["hidden"])


def test_nothing_is_written_if_anything_fails(tmp_path, monkeypatch):
    def broken(*args, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("hyperlimit.studies.completion._run.save_model", broken)
    with pytest.raises(KeyboardInterrupt):
        complete(CompletionConfig(**SMALL), tmp_path / "out", Silent())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 40, 2000, -200])
def test_a_truncated_model_is_one_sentence(finished, tmp_path, size):
    content = (finished[0] / "model.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[:size])
    written_digits(tmp_path / "in")
    with pytest.raises(hl.InputError) as caught:
        predict(tmp_path / "cut.npz", tmp_path / "in", tmp_path / "out", Silent())
    assert "cut.npz" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_images_of_another_size_are_refused_or_resized(finished, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((16, 16), 90, np.uint8)).save(tmp_path / "in" / "a.png")
    model = finished[0] / "model.npz"
    with pytest.raises(hl.InputError, match=r"16x16.*8x8.*--resize"):
        predict(model, tmp_path / "in", tmp_path / "out", Silent())
    predict(model, tmp_path / "in", tmp_path / "out", Silent(), resize=True)
    assert (tmp_path / "out" / "completed" / "a.png").exists()
