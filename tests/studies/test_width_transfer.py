"""The study of transfer over widths at its quick size."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from hyperlimit.studies import Silent, run_study
from hyperlimit.studies.width_transfer import STUDY, WidthTransferConfig
from hyperlimit.studies.width_transfer._findings import best_rate

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    # Optax's schedules divide integers by floats, which strict promotion refuses.
    with jax.numpy_dtype_promotion("standard"):
        return out, run_study(STUDY, out, Silent(), quick=True)


def test_mup_is_told_from_standard(finished):
    out, results = finished
    rows = {row["what"].split(" (")[0]: row for row in results["findings"]}
    assert abs(rows["muP, Adam: largest slope in n"]["measured"]) < 0.3
    assert rows["standard, Adam: largest slope in n"]["measured"] > 0.6
    # At the base's rate wider is better in muP, on the mean of two seeds.
    assert rows["muP: loss at the base's best rate, 2x minus 1x"]["measured"] < 0
    losses = {
        (row["parametrisation"], row["multiple"]): np.array(row["losses"])
        for row in results["data"]["losses"]
    }
    assert losses["mup", 1].shape == (5, 2)
    # Networks learn: better than the mean image by far.
    assert np.nanmin(losses["mup", 8].mean(axis=1)) < 0.8
    assert json.loads((out / "results.json").read_text())["config"]["base_meta"] == 16
    with Image.open(out / "figure.png") as picture:
        assert picture.size[0] > 1000


def test_what_diverged_is_not_best():
    config = WidthTransferConfig(log_rates=(-3.0, -2.0, -1.0))
    losses = np.array([[0.5, 0.7], [0.2, np.nan], [np.inf, np.nan]])
    assert best_rate(config, losses) == -3.0


def test_wrong_settings_are_one_sentence(refuses):
    with refuses("multiples=(2, 4)"):
        WidthTransferConfig(multiples=(2, 4))
    with refuses("log_rates"):
        WidthTransferConfig(log_rates=(-3.0,))
