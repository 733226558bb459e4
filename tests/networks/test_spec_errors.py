"""What cannot be a network, and the sentence that says so."""

import pytest

import hyperlimit as hl

DENSE = hl.Dense(3)
RELU = hl.Elementwise(hl.activation("relu"))

REFUSED = {
    "depth=0 counts weight layers and must be at least 1.": lambda: hl.mlp(
        depth=0, width=4
    ),
    "out=0 must be at least 1.": lambda: hl.mlp(depth=2, width=4, out=0),
    "width=0 is not a width: give at least 1.": lambda: hl.mlp(depth=2, width=0),
    "activation='rleu' is not known: give one of relu,": lambda: hl.mlp(
        depth=2, width=4, activation="rleu"
    ),
    "weights_generated has 1 answers for 2 weight layers: give one for each": lambda: (
        hl.mlp(depth=2, width=4, weights_generated=[True])
    ),
    "biases_generated has 3 answers for 2 weight layers: give one for each": lambda: (
        hl.mlp(depth=2, width=4, biases_generated=[True, False, True])
    ),
    "a network of no layers was given: give at least one.": lambda: hl.Network(()),
    "layer 1 is 'relu', not a layer: give one of hyperlimit.layers.": lambda: (
        hl.Network((DENSE, "relu"))
    ),
    "must end in a Dense layer": lambda: hl.Network((DENSE, RELU)).with_out(4),
    "with 8 inputs, has no width: give out=... to mlp": lambda: hl.mlp(
        depth=2, width=8
    ).out_size(3),
    "asks for generated parameters: only layers of the primary": lambda: (
        hl.Hypernetwork(
            hl.mlp(depth=2, width=4, weights_generated=True),
            hl.mlp(depth=2, width=4, out=1),
        )
    ),
    "has as many outputs as there are weights to generate: leave out= out": lambda: (
        hl.Hypernetwork(
            hl.mlp(depth=2, width=4, out=3), hl.mlp(depth=2, width=4, out=1)
        )
    ),
    "says nothing about inputs: give hl.Images(),": lambda: hl.Network(
        (DENSE,), hl.Images
    ),
    "is its own, so nothing is left to generate: set weights_generated=True": lambda: (
        hl.Hypernetwork(
            hl.mlp(depth=2, width=4),
            hl.mlp(depth=2, width=4, out=1, weights_generated=False),
        )
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused(sentence, refuses, unchecked_types):
    with refuses(sentence):
        REFUSED[sentence]()


def test_layers_in_a_list_and_activations_by_name(unchecked_types):
    one = hl.Network([DENSE, hl.Elementwise("relu")])
    assert one == hl.Network((DENSE, RELU))
    assert hash(one) == hash(hl.Network((DENSE, RELU)))
    assert hl.Elementwise(abs).function(-2.0) == 2.0


def test_elementwise_layers_generate_nothing():
    """A primary network of activations alone has no parameters to write."""
    with pytest.raises(hl.InputError, match="nothing is left to generate"):
        hl.Hypernetwork(hl.mlp(depth=2, width=4), hl.Network((RELU,)))


def test_biases_that_do_not_exist_are_not_generated():
    """All weights its own, biases generated but of scale zero: nothing is written."""
    primary = hl.mlp(
        depth=2, width=4, out=1, weights_generated=False, biases_generated=True
    )
    with pytest.raises(hl.InputError, match="nothing is left to generate"):
        hl.Hypernetwork(hl.mlp(depth=2, width=4), primary)
