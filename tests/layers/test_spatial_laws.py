"""Every layer that reads images under its law suite, in both modes it works in."""

import pytest

import hyperlimit as hl
from hyperlimit.activations import ACTIVATIONS
from hyperlimit.layers import (
    LAYERS,
    AbstractSpatialLayer,
    AveragePool,
    Convolution,
    Dense,
    Elementwise,
    FiLM,
    Flatten,
    GlobalAveragePool,
    LayerNorm,
    Residual,
)
from laws.spatial_laws import SIZE, SpatialCase, SpatialLaws

ANYWHERE = {
    "strided": Convolution(16, window=(3, 2), stride=(2, 1), weight_std=1.2),
    "circular": Convolution(16, padding="circular", bias_std=0.4),
    "flatten": Flatten(),
}
EQUAL_POSITIONS = {
    "convolution": Convolution(16),
    "circular, strided": Convolution(16, padding="circular", stride=2),
    "inside": Convolution(16, window=(2, 3), padding="none"),
    "wide window": Convolution(16, window=7),
    "film": FiLM(0.7, 0.3),
    "residual": Residual((Convolution(8), Convolution(None)), (Convolution(16),)),
}
POOLING = {
    "pool": AveragePool(2),
    "overlapping pool": AveragePool((3, 2), stride=1),
    "global pool": GlobalAveragePool(),
}
CASES = tuple(
    SpatialCase(f"{name}, {'all pairs' if pairs else 'equal positions'}", layer, pairs)
    for pairs in (False, True)
    for name, layer in (ANYWHERE | (POOLING if pairs else EQUAL_POSITIONS)).items()
)


class TestSpatialLayers(SpatialLaws):
    @pytest.fixture(params=CASES, ids=[case.name for case in CASES])
    def case(self, request) -> SpatialCase:
        return request.param


def test_every_row_of_the_table_has_a_case():
    tested = {type(case.layer) for case in CASES}
    assert {row for row in LAYERS if issubclass(row, AbstractSpatialLayer)} <= tested


def test_pooling_needs_all_pairs_and_networks_know():
    convolutions = (Convolution(4), Elementwise(ACTIVATIONS["relu"]))
    inputs = hl.Images()
    plain = hl.Network((*convolutions, Flatten(), Dense(1)), inputs)
    assert not plain.limit_inputs.all_pairs
    pooled = hl.Network((*convolutions, GlobalAveragePool(), Dense(1)), inputs)
    assert pooled.limit_inputs.all_pairs
    inside = hl.Network(
        (Residual((*convolutions, AveragePool(1), Convolution(3))), Flatten()), inputs
    )
    assert inside.limit_inputs.all_pairs


def test_sizes():
    assert Convolution(7, stride=2).out_size(SIZE) == (3, 2, 7)
    assert Convolution(7, window=2, padding="none").out_size(SIZE) == (4, 3, 7)
    assert AveragePool(2).out_size(SIZE) == (2, 2, 3)
    assert Flatten().out_size(SIZE) == 60
    assert GlobalAveragePool().out_size(SIZE) == 3
    assert LayerNorm().out_size(SIZE) == SIZE


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Convolution(0), "width=0"),
        (lambda: Convolution(2, padding="same"), "padding='same'"),
        (lambda: Convolution(2, window=0), "window of 0"),
        (lambda: Convolution(2, weight_std=0.0), "weight_std=0.0"),
        (lambda: Convolution(2, bias_std=-1.0), "bias_std=-1.0"),
        (lambda: Convolution(2).out_size(5), "inputs=Images()"),
        (lambda: Convolution().out_size(SIZE), "width=..."),
        (lambda: AveragePool(9).out_size(SIZE), "smaller than a window"),
        (lambda: AveragePool(0), "window of 0"),
        (lambda: Dense(3).out_size(SIZE) and Dense(3).parameters(SIZE), "Flatten()"),
        (lambda: Residual(()), "no layers"),
        (lambda: Residual((Flatten(),)), "uncorrelated"),
        (lambda: Residual((Dense(3),)).out_size(4), "gives 3 and its shortcut 4"),
        (lambda: LayerNorm(epsilon=-1.0), "epsilon=-1.0"),
        (lambda: FiLM(0.0, 0.0), "not both 0"),
        (lambda: hl.LowRank(3, rank=0), "rank=0"),
        (lambda: hl.LowRank(3, update_std=0.0), "update_std=0.0"),
        (lambda: hl.LowRank().out_size(3), "width=..."),
    ],
)
def test_wrong_numbers_are_one_sentence(make, words, refuses, unchecked_types):
    with refuses(words):
        make()


RELU = Elementwise(ACTIVATIONS["relu"])


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((RELU, Dense(1)), "reads what is not Gaussian"),
        ((Dense(3), RELU, RELU, Dense(1)), "layer 2"),
        ((Dense(3), RELU, FiLM(), RELU, Dense(1)), "right before Dense"),
        ((Dense(3), RELU, FiLM()), "followed by None"),
        ((Dense(3), RELU, LayerNorm(), Dense(1)), "centre=False"),
        ((Dense(3), RELU, Residual((Dense(3),)), RELU, Dense(1)), "layer 3"),
        ((Dense(3), Residual((RELU, RELU, Dense(3)))), "layer 1"),
    ],
)
def test_orders_without_a_limit_are_refused(layers, words, refuses):
    with refuses(words):
        hl.dual_limit(hl.Network(layers))


def test_images_and_vectors_do_not_mix(refuses):
    import jax.numpy as jnp

    images, vectors = jnp.ones((2, *SIZE)), jnp.ones((2, 3))
    with refuses("put Flatten()"):
        hl.dual_limit(hl.Network((Dense(2),), hl.Images())).ntk(images)
    with refuses("inputs=Images()"):
        hl.dual_limit(hl.Network((Convolution(2),))).ntk(vectors)
    with refuses("ends in images"):
        hl.dual_limit(hl.Network((Convolution(2),), hl.Images())).ntk(images)
    with refuses("(n, height, width, channels)"):
        hl.dual_limit(hl.Network((Convolution(2), Flatten()), hl.Images())).ntk(vectors)
    both = hl.Residual((Flatten(), Dense(2)), (Convolution(2),))
    with refuses("the other vectors"):
        hl.dual_limit(hl.Network((both,), hl.Images())).ntk(images)
