"""What runs a study: files, table, and one sentence for mistakes."""

import json
import sys

import jax
import pytest
from PIL import Image

from hyperlimit.cli import main
from hyperlimit.studies import STUDIES, Finding, Silent, all_studies, run_study
from studies.tiny_study import STUDY

PRECISION = "float64" if jax.config.read("jax_enable_x64") else "float32"


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(STUDIES, "tiny", "studies.tiny_study")


def command(monkeypatch, *arguments):
    """Runs `hyperlimit study`; its exit status."""
    given = ["hyperlimit", "study", *map(str, arguments)]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_everything_is_written_and_says_where_it_comes_from(tmp_path):
    out = tmp_path / "out"
    results = run_study(STUDY, out, Silent(), seed=5)
    assert {path.name for path in out.iterdir()} == {"figure.png", "results.json"}
    with Image.open(out / "figure.png") as picture:
        assert picture.size == (200, 200)
    stored = json.loads((out / "results.json").read_text())
    assert stored["study"] == "tiny"
    assert stored["config"] == {"draws": 100, "seed": 5}
    assert stored["seed"] == 5
    assert stored["quick"] is False
    assert stored["precision"] == PRECISION
    assert stored["seconds"] >= 0
    assert stored["provenance"]["packages"]["jax"] == jax.__version__
    assert stored["data"]["draws"] == pytest.approx(results["data"]["draws"])
    assert stored["data"]["none"] is None
    rows = stored["findings"]
    assert [row["agrees"] for row in rows] == [True, False, True, None]
    assert set(rows[0]) == {
        "what",
        "measured",
        "interval",
        "expected",
        "expected_number",
        "agrees",
    }


def test_the_table_shows_agreement_and_disagreement(monkeypatch, tmp_path, capfd):
    out = tmp_path / "out"
    status = command(
        monkeypatch, "tiny", "--quick", "--out", out, "--precision", PRECISION
    )
    lines = capfd.readouterr().out.splitlines()
    assert status == 0
    assert "Whether draws have a mean (quick settings, seed 3" in lines[0]
    assert lines[2].startswith("mean of [normal] draws")
    assert lines[2].split()[-1] == "yes"
    assert lines[3].split()[-1] == "no"
    assert lines[4].split()[-1] == "no"
    assert "1 of 3 expectations met" in lines[-1]
    assert json.loads((out / "results.json").read_text())["config"]["draws"] == 4


def test_studies_are_listed(monkeypatch, capfd):
    assert command(monkeypatch) == 0
    printed = capfd.readouterr().out
    assert "Whether draws have a mean" in printed
    assert all(name in printed for name in STUDIES)
    assert command(monkeypatch, "--help") == 0
    assert "Whether draws have a mean" in capfd.readouterr().out


def test_every_row_of_the_registry_is_a_study():
    for name, study in zip(STUDIES, all_studies(), strict=True):
        assert study.name == name
        assert "\n" not in study.summary
        assert not study.summary.endswith(".")
        assert study.precision in ("float32", "float64")
        assert study.quick.seed == study.full.seed
        assert study.quick != study.full


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tine"], "'tine' is not known: give one of"),
        (["tine"], "tiny"),
        (["tiny", "--seed", -1], "--seed -1"),
        (["tiny", "--data", "here"], "--data here was given: leave it out"),
        (["tiny", "--precision", "half"], "--precision half"),
        (["tiny", "--precision", PRECISION, "--seed", 13], "seed=13"),
    ],
)
def test_mistakes_are_one_sentence(arguments, words, monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    x64 = jax.config.read("jax_enable_x64")
    status = command(monkeypatch, *arguments)
    jax.config.update("jax_enable_x64", x64)
    lines = [line for line in capfd.readouterr().err.splitlines() if "error:" in line]
    assert status == 2
    assert len(lines) == 1
    assert words in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [
        {"expected": "1"},
        {"number": 1.0},
        {"expected": "1", "number": 1.0},
        {"expected": "1", "number": 1.0, "interval": (0.0, 2.0), "holds": True},
    ],
)
def test_a_finding_is_judged_once_or_not_at_all(given):
    with pytest.raises(ValueError, match="Finding"):
        Finding("a number", 1.0, **given)
