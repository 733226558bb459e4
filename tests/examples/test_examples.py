"""The examples run, smaller than a user runs them, and learn."""

import importlib.util
from pathlib import Path

import jax
import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SMALLER = {
    "siren_images": {"steps": 40, "images": 6},
    "task_block": {"steps": 40, "count": 200},
    "lora": {"steps": 40, "count": 200},
}

# What is searched for in closed form has no steps.
SEARCHED = {"sensors": {"rods": 20, "scales": (0.7,), "ridges": (1e-3,)}}

# What is there to be diagnosed, and not trained: tests/diagnosis reads it.
DIAGNOSED = {"badly_initialised"}


def example(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested():
    found = {path.stem for path in FOLDER.glob("*.py")}
    assert found == set(SMALLER) | set(SEARCHED) | DIAGNOSED


@pytest.mark.parametrize(("name", "settings"), SMALLER.items(), ids=list(SMALLER))
def test_the_loss_falls(name, settings, capsys):
    # Optax divides by powers of integers, which strict promotion refuses.
    with jax.numpy_dtype_promotion("standard"):
        losses = example(name).main(**settings)
    assert len(losses) == settings["steps"]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize(("name", "settings"), SEARCHED.items(), ids=list(SEARCHED))
def test_the_error_is_small_and_its_bars_are_right(name, settings, capsys):
    error, _, inside = example(name).main(**settings)
    assert error < 0.5
    assert 0.85 < inside < 1
    assert capsys.readouterr().out.count("\n") == 1
