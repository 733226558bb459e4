"""Kernels against a frozen table of another library's values.

`tests/references/peer/make_values.py` made the table, in an environment of its own.
"""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.activations import ACTIVATIONS, ABReLU, Exp, Sin
from hyperlimit.layers import (
    AveragePool,
    Convolution,
    Dense,
    Elementwise,
    Flatten,
    GlobalAveragePool,
    Images,
    LayerNorm,
    Residual,
)
from hyperlimit.networks import Network

TABLE = json.loads(
    (Path(__file__).parents[1] / "references" / "peer" / "values.json").read_text()
)


def act(choice):
    activation = ACTIVATIONS[choice] if isinstance(choice, str) else choice
    return Elementwise(activation, unit=False)


def dense(weight_std=1.0, bias_std=0.0):
    return Dense(7, weight_std, bias_std)


def conv(**settings):
    return Convolution(7, **settings)


def perceptron(activation, depth=3, weight_std=1.3, bias_std=0.2):
    between = (dense(weight_std, bias_std), act(activation))
    return (*between * (depth - 1), dense(weight_std, bias_std))


NORM = LayerNorm(epsilon=1e-12)
VECTORS = {
    "mlp relu": perceptron("relu"),
    "mlp relu depth 7": perceptron("relu", 7, 2**0.5, 0.0),
    "mlp leaky_relu": perceptron("leaky_relu"),
    "mlp identity": perceptron("identity"),
    "mlp erf": perceptron("erf"),
    "mlp gelu": perceptron("gelu"),
    "mlp sin": perceptron("sin"),
    "mlp cos": perceptron("cos"),
    "mlp abs": perceptron("abs"),
    "mlp abrelu": perceptron(ABReLU(-0.5, 2.0)),
    "mlp sin 3": perceptron(Sin(3.0)),
    "mlp gaussian": perceptron("gaussian"),
    "mlp exp": perceptron(Exp(0.4)),
    "mlp square": perceptron("square", weight_std=0.7),
    "mlp cube": perceptron("cube", weight_std=0.6),
    "residual": (
        dense(),
        Residual((act("relu"), dense(1.2, 0.3))),
        act("relu"),
        dense(),
    ),
    "residual with a shortcut": (
        dense(),
        Residual((act("erf"), dense(1.2)), (act("relu"), dense(0.8, 0.1))),
        dense(),
    ),
    "layer norm": (
        dense(1.4),
        NORM,
        act("relu"),
        dense(0.7, 0.2),
        NORM,
        act("erf"),
        dense(),
    ),
}
IMAGES = {
    "conv flatten": (conv(weight_std=1.3), act("relu"), conv(), Flatten(), dense()),
    "conv strides": (
        conv(stride=(2, 1), bias_std=0.3),
        act("relu"),
        conv(window=(2, 3), stride=(1, 2), padding="none"),
        act("erf"),
        Flatten(),
        dense(1.0, 0.2),
    ),
    "conv circular": (
        conv(padding="circular"),
        act("relu"),
        conv(padding="circular", bias_std=0.1),
        act("relu"),
        Flatten(),
        dense(),
    ),
    "conv pool": (
        conv(weight_std=1.4),
        act("relu"),
        AveragePool(2),
        conv(weight_std=1.4),
        act("relu"),
        Flatten(),
        dense(),
    ),
    "conv overlapping pool": (
        conv(bias_std=0.2),
        act("relu"),
        AveragePool((3, 2), stride=(1, 2)),
        Flatten(),
        dense(),
    ),
    "conv global pool": (
        conv(weight_std=1.4),
        act("relu"),
        conv(stride=2, weight_std=1.4),
        act("relu"),
        GlobalAveragePool(),
        dense(),
    ),
    "conv residual norm": (
        conv(),
        Residual((act("relu"), conv(weight_std=1.2))),
        NORM,
        act("relu"),
        GlobalAveragePool(),
        dense(),
    ),
}


def test_every_row_of_the_table_is_compared():
    assert set(TABLE["kernels"]) == set(VECTORS) | set(IMAGES)


@pytest.mark.float64_only(reason="the table is")
@pytest.mark.parametrize("name", [*VECTORS, *IMAGES])
def test_the_same_kernels(name, tolerance):
    if name in VECTORS:
        network, x = Network(VECTORS[name]), jnp.asarray(TABLE["vectors"])
    else:
        network, x = Network(IMAGES[name], Images()), jnp.asarray(TABLE["images"])
    found = hl.dual_limit(network).kernels(x)
    for kind in ("nngp", "ntk"):
        expected = np.asarray(TABLE["kernels"][name][kind])
        # Relative to the scale of the pair: entries near zero have digits to match.
        scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
        error = np.abs(np.asarray(getattr(found, kind)) - expected) / scale
        # Its own arc-cosines at equal inputs lose digits: 1e-9 where ours is 1e-15.
        assert error.max() < max(1e-8, tolerance), kind
