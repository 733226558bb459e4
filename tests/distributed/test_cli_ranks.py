"""Commands of hyperlimit as several ranks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def launched(*words, folder):
    return subprocess.run(
        [sys.executable, "-m", "hyperlimit.cli", "launch", "--", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.long
def test_a_command_writes_and_prints_once(tmp_path):
    done = launched("complete", "--train", 40, "--test", 5, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hyperkernel (ours)") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"completions.png", "metrics.json", "model.npz"}


def test_wrong_input_is_one_sentence(tmp_path):
    done = launched("complete", "--data", "nowhere", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("error:") == 1
    assert "nowhere" in done.stderr
    assert "rank" not in done.stderr
    assert list(tmp_path.iterdir()) == []
