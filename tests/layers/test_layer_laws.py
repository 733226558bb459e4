"""Every layer and every kind of inputs under their law suites."""

import pytest

from hyperlimit.activations import ACTIVATIONS
from hyperlimit.layers import (
    INPUTS,
    LAYERS,
    AbstractSpatialLayer,
    Coordinates,
    Dense,
    Elementwise,
    FiLM,
    FourierFeatures,
    Images,
    LayerNorm,
    LowRank,
    Residual,
)
from laws.layer_laws import InputsCase, InputsLaws, LayerCase, LayerLaws

BIASED = Dense(32, weight_std=1.2, bias_std=0.5)

LAYER_CASES = (
    LayerCase("own", Dense(32, weight_std=1.2)),
    LayerCase("generated", Dense(32, weight_std=1.2), ("weight",)),
    LayerCase("own, biased", BIASED),
    LayerCase("generated, biased", BIASED, ("weight", "bias")),
    LayerCase("generated biases", BIASED, ("bias",)),
    LayerCase("generated weights", BIASED, ("weight",)),
    LayerCase("relu", Elementwise(ACTIVATIONS["relu"])),
    LayerCase("erf", Elementwise(ACTIVATIONS["erf"])),
    LayerCase("cos, not unit", Elementwise(ACTIVATIONS["cos"], unit=False)),
    LayerCase("film", FiLM(0.7, 0.5)),
    LayerCase("generated film", FiLM(0.7, 0.5), ("scale", "shift")),
    LayerCase("generated scales", FiLM(0.7, 0.0), ("scale",)),
    LayerCase("low rank", LowRank(32, rank=8, update_std=0.8)),
    LayerCase("generated update", LowRank(32, rank=8, update_std=0.8), ("down", "up")),
    LayerCase("layer norm", LayerNorm(), slack=0.05),
    LayerCase(
        "root mean square norm", LayerNorm(centre=False, epsilon=0.2), slack=0.05
    ),
    LayerCase("residual", Residual((Dense(64), Dense(None)))),
    LayerCase(
        "generated residual",
        Residual((Dense(None, 1.2, 0.3),), (Dense(48),)),
        ("branch.0.weight", "branch.0.bias", "shortcut.0.weight"),
    ),
)
INPUTS_CASES = (
    InputsCase("coordinates", Coordinates()),
    InputsCase("features in the limit", FourierFeatures(1.5, count=64)),
    InputsCase("explicit features", FourierFeatures(1.5, count=64, seed=3)),
)


class TestLayers(LayerLaws):
    @pytest.fixture(params=LAYER_CASES, ids=[case.name for case in LAYER_CASES])
    def case(self, request) -> LayerCase:
        return request.param


class TestInputs(InputsLaws):
    @pytest.fixture(params=INPUTS_CASES, ids=[case.name for case in INPUTS_CASES])
    def case(self, request) -> InputsCase:
        return request.param


def test_every_row_of_the_tables_has_a_case():
    vectors = {row for row in LAYERS if not issubclass(row, AbstractSpatialLayer)}
    assert {type(case.layer) for case in LAYER_CASES} == vectors
    assert {type(case.inputs) for case in INPUTS_CASES} | {Images} == set(INPUTS)
