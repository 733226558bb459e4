"""Descriptions are plain frozen data: equal by value, hashable, and checked."""

import dataclasses
import pickle

import jax.numpy as jnp
import pytest

import hyperlimit as hl
from hyperlimit.activations import Custom, Erf, LeakyReLU
from hyperlimit.networks import Network
from hyperlimit.parametrisation import PARAMETRISATIONS, Parameter, parametrisation


def _spec(**changes):
    meta = {"depth": 3, "width": 8, "activation": "erf", "bias_std": 0.1}
    return hl.Hypernetwork(
        meta=hl.mlp(**{**meta, **changes}),
        primary=hl.mlp(depth=2, width=4, out=1, inputs=hl.FourierFeatures(2.0)),
    )


def test_equal_by_value_and_hashable():
    assert _spec() == _spec()
    assert hash(_spec()) == hash(_spec())
    assert len({_spec(), _spec(), _spec(width=9)}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"depth": 4},
        {"width": 9},
        {"activation": "sin"},
        {"activation": LeakyReLU(0.1)},
        {"bias_std": 0.2},
        {"weight_std": 1.5},
        {"in_size": 5},
        {"inputs": hl.FourierFeatures(1.0)},
    ],
)
def test_every_field_counts(change):
    assert _spec(**change) != _spec()


def test_frozen():
    for part, name in (
        (_spec(), "meta"),
        (_spec().meta, "layers"),
        (_spec().meta.layers[0], "width"),
        (_spec().meta.layers[1], "unit"),
        (Erf(), "anything"),
    ):
        # Without fields there is nothing that could be replaced: any name is refused.
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(part, name, 3)


def test_pickled_and_back():
    assert pickle.loads(pickle.dumps(_spec())) == _spec()


def test_a_name_and_its_activation_give_one_spec():
    assert hl.mlp(depth=2, width=3, activation="erf") == hl.mlp(
        depth=2, width=3, activation=Erf()
    )
    assert hl.mlp(depth=2, width=3, activation=jnp.tanh) == hl.mlp(
        depth=2, width=3, activation=Custom(jnp.tanh)
    )


@pytest.mark.parametrize("depth", [1, 2, 128])
def test_depth_counts_weight_layers(depth):
    network = hl.mlp(depth=depth, width=5, out=2)
    assert network.dense_layers == depth
    assert network.activations == depth - 1
    assert len(network.layers) == 2 * depth - 1
    assert network.out_size(7) == 2
    assert hash(network) == hash(hl.mlp(depth=depth, width=5, out=2))


def test_parameters_in_their_shapes():
    network = hl.mlp(depth=3, width=5, out=2, bias_std=0.5, weight_std=1.5)
    found = [parameter for layer in network.parameters(7) for parameter in layer]
    assert found == [
        Parameter("weight", (5, 7), 1.5, 7),
        Parameter("bias", (5,), 0.5, 1),
        Parameter("weight", (5, 5), 1.5, 5),
        Parameter("bias", (5,), 0.5, 1),
        Parameter("weight", (2, 5), 1.5, 5),
        Parameter("bias", (2,), 0.5, 1),
    ]


def test_features_set_the_first_fan_in():
    network = hl.mlp(depth=1, width=5, out=2, inputs=hl.FourierFeatures(1.0, count=6))
    assert network.parameters(3) == ((Parameter("weight", (2, 12), 1.0, 12),),)


def test_generated_parameters_leave_out_own_ones():
    primary = hl.mlp(
        depth=3,
        width=4,
        out=1,
        bias_std=1.0,
        weights_generated=[True, False, True],
        biases_generated=[False, True, True],
    )
    spec = hl.Hypernetwork(hl.mlp(depth=2, width=8), primary)
    found = spec.generated_parameters(2)
    shapes = [(parameter.name, parameter.shape) for parameter in found]
    assert shapes == [
        ("weight", (4, 2)),
        ("bias", (4,)),
        ("weight", (1, 4)),
        ("bias", (1,)),
    ]
    assert spec.meta.with_out(sum(p.size for p in found)).out_size(3) == 17


def test_biases_follow_their_weights():
    primary = hl.mlp(
        depth=2, width=4, out=1, bias_std=1.0, weights_generated=[True, False]
    )
    spec = hl.Hypernetwork(hl.mlp(depth=2, width=8), primary)
    assert [p.name for p in spec.generated_parameters(3)] == ["weight", "bias"]


def test_parametrisations_agree_at_birth():
    for std, fan_in in ((1.0, 16), (1.7, 9), (0.3, 1)):
        parameter = Parameter("weight", (4, fan_in), std, fan_in)
        for row in PARAMETRISATIONS.values():
            acting = row.multiplier(parameter) * row.initial_std(parameter)
            # Products of two roots.
            assert acting == pytest.approx(std / fan_in**0.5, rel=1e-15)
    assert parametrisation("ntk").initial_std(parameter) == 1
    assert parametrisation("standard").multiplier(parameter) == 1


def test_own_inputs_by_default():
    assert Network((hl.Dense(3),)).inputs == hl.Coordinates()


def test_activations_scaled_or_not_by_choice():
    scaled, plain = (
        hl.mlp(depth=2, width=3, out=1, activation="erf", unit=unit)
        for unit in (True, False)
    )
    assert scaled == hl.mlp(depth=2, width=3, out=1, activation="erf")
    assert plain.layers[1] == hl.Elementwise(Erf(), unit=False)
    # One activation below a linear layer: kernels differ by its second moment.
    x = jnp.array([[1.0, 0.5], [-0.3, 2.0]])
    one, other = (hl.dual_limit(network).nngp(x) for network in (scaled, plain))
    assert jnp.allclose(one * Erf().second_moment(), other, rtol=1e-5)
