"""Every layer and every kind of inputs under their law suites."""

import pytest

from hyperlimit.activations import ACTIVATIONS
from hyperlimit.layers import (
    INPUTS,
    LAYERS,
    Coordinates,
    Dense,
    Elementwise,
    FourierFeatures,
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
    assert {type(case.layer) for case in LAYER_CASES} == set(LAYERS)
    assert {type(case.inputs) for case in INPUTS_CASES} == set(INPUTS)
