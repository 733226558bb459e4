"""The study of Taylor exponents at its quick size."""

import json

import pytest
from PIL import Image

from hyperlimit.studies import Silent, run_study
from hyperlimit.studies.taylor_exponents import STUDY, TaylorConfig

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    return out, run_study(STUDY, out, Silent(), quick=True)


def test_exponents_are_near_theory(finished):
    out, results = finished
    rows = {row["what"]: row for row in results["findings"]}
    assert len(rows) == 15
    for what, row in rows.items():
        # Few widths, and small ones: theory is told from its neighbours, no more.
        assert abs(row["measured"] - row["expected_number"]) < 0.45, what
    assert sum(row["agrees"] for row in rows.values()) >= 12
    assert json.loads((out / "results.json").read_text())["findings"] == [
        row | {"interval": list(row["interval"])} for row in results["findings"]
    ]
    with Image.open(out / "figure.png") as picture:
        assert picture.size[0] > 1000


def test_what_survives_and_what_vanishes(finished):
    slopes = {row["what"]: row["measured"] for row in finished[1]["findings"]}
    # The second term of f wide stays where that of a plain network goes.
    assert slopes["f wide, H = 2: exponent of K^(2)"] > -0.3
    assert slopes["plain network, L = 3: exponent of K^(2)"] < -0.7
    assert slopes["f and g wide, H = 2: exponent of K^(2)"] < -0.7
    # The third goes for g of two layers.
    assert slopes["f wide, H = 2: exponent of K^(3)"] < -0.6
    assert slopes["g wide, H = 2: exponent of K^(3)"] > -0.4


def test_wrong_settings_are_one_sentence(refuses):
    with refuses("hyper_seeds=1"):
        TaylorConfig(hyper_seeds=1)
