"""The command line as a person meets it: results, and one sentence for mistakes."""

import sys

import numpy as np
import pytest
from PIL import Image

from hyperlimit.activations import ACTIVATIONS
from hyperlimit.cli import main


def run(monkeypatch, *arguments):
    """Runs the command; its exit status."""
    monkeypatch.setattr(sys, "argv", ["hyperlimit", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_complete_prints_the_table(monkeypatch, tmp_path, capfd):
    out = tmp_path / "out"
    status = run(monkeypatch, "complete", "--train", 40, "--test", 5, "--out", out)
    printed = capfd.readouterr().out
    assert status == 0
    assert "hyperkernel (ours)" in printed
    assert "inside the 95% one" in printed
    assert (out / "model.npz").exists()
    Image.fromarray(np.full((8, 8), 90, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "in" / "a.png")
    status = run(
        monkeypatch,
        "predict",
        out / "model.npz",
        tmp_path / "in",
        "--out",
        tmp_path / "new",
    )
    assert status == 0
    assert "1 images completed" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--train", 0], "--train 0"),
        (["--test", -3], "--test -3"),
        (["--train", 5000], "1797"),
        (["--observe", "bottom"], "top-half"),
        (["--observe", "random:64"], "random:64"),
        (["--targets", "random:0"], "random:0"),
        (["--targets", "some"], "random:P"),
        (["--kernel", "rbf"], "rbf"),
        (["--activation", "rel"], "leaky_relu"),
        (["--ridge", -1], "ridge"),
        (["--bandwidth", 0], "bandwidth"),
        (["--size", "big"], "32x24"),
        (["--meta-depth", 0], "--meta-depth"),
        (["--precision", "half"], "float32 or float64"),
        (["--seed", -1], "seed"),
    ],
)
def test_mistakes_are_one_sentence(arguments, words, monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    status = run(monkeypatch, "complete", *arguments)
    printed = capfd.readouterr()
    assert status == 2
    *stages, error = printed.err.splitlines()
    assert error.startswith("error:")
    assert words in error
    # Stages that were finished, and no empty line.
    assert all(line.startswith("✔") for line in stages)
    assert list(tmp_path.iterdir()) == []


def test_a_mask_of_another_shape_and_a_missing_model(monkeypatch, tmp_path, capfd):
    Image.fromarray(np.full((3, 3), 255, np.uint8)).save(tmp_path / "mask.png")
    status = run(monkeypatch, "complete", "--observe", tmp_path / "mask.png")
    message = capfd.readouterr().err
    assert status == 2
    assert "3x3" in message
    assert "8x8" in message
    status = run(monkeypatch, "predict", tmp_path / "no.npz", tmp_path)
    assert status == 2
    assert "no.npz" in capfd.readouterr().err


def test_a_singular_system(monkeypatch, tmp_path, capfd):
    (tmp_path / "in").mkdir()
    draw = np.random.default_rng(0)
    for index in range(6):
        # The same seen half, and another hidden one: no function fits all.
        picture = np.full((6, 6), 200, np.uint8)
        picture[3:] = draw.integers(0, 255, (3, 6))
        Image.fromarray(picture).save(tmp_path / "in" / f"{index}.png")
    arguments = ["--data", tmp_path / "in", "--train", 4, "--test", 2, "--ridge", 0]
    out = tmp_path / "out"
    status = run(monkeypatch, "complete", *arguments, "--out", out)
    assert status == 2
    assert "ridge" in capfd.readouterr().err
    assert not out.exists()


def test_the_help_names_every_activation(monkeypatch, capfd):
    assert run(monkeypatch, "complete", "--help") == 0
    shown = capfd.readouterr().out
    assert all(name in shown for name in ACTIVATIONS)
