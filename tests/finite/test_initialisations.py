"""What each initialisation promises at birth: variances of weights and activations.

The targets are written out here by hand, for a ReLU network g with |z|^2 = d_z; see
docs/initialisation.md. Features of constant length (x itself with |x|^2 = d, Fourier
features, the encoding of "mip") leave only the law of the head to be sampled.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
import optimised
from hyperlimit.parametrisation import INITIALISATIONS

pytestmark = pytest.mark.float64_only(reason="averages of samples")

Z, WIDTH, OUT = 16, 32, 12
SEEDS = 1600
SMALL = 0.1
# Each row with generated biases or without; where both promise something, both.
ROWS = [
    ("ntk", False),
    ("standard", True),
    ("hyperfan_in", True),
    ("hyperfan_out", True),
    ("bias_hyperinit", True),
    ("mip", True),
]


def primary(biases, key):
    return eqx.nn.MLP(Z, OUT, WIDTH, 2, use_bias=biases, use_final_bias=biases, key=key)


def unit(seed, size):
    """A vector with |x|^2 = size."""
    x = np.random.default_rng(seed).normal(size=size)
    return jnp.asarray(x * np.sqrt(size) / np.linalg.norm(x))


def meta(size):
    """A head on x, or for long x on Fourier features, whose length is constant too."""
    if size < 100:
        return hl.mlp(depth=1, width=1)
    return hl.mlp(depth=1, width=1, inputs=hl.FourierFeatures(bandwidth=30.0, count=4))


def promised(row, biases):
    """The variance of each generated array and of the outputs of each layer of g."""
    weights, outputs, moment = [], [], 1.0
    for level, (fan_in, out) in enumerate([(Z, WIDTH), (WIDTH, WIDTH), (WIDTH, OUT)]):
        c = 2.0 if level < 2 else 1.0
        bias = SMALL**2
        if row in ("ntk", "standard"):
            weight = c / fan_in
        elif row == "hyperfan_in":
            weight, bias = (c / (2 * fan_in), c / 2) if biases else (c / fan_in, 0)
        elif row == "hyperfan_out":
            weight, bias = c / out, max(c * (1 - fan_in / out), SMALL**2)
        else:
            # Equinox draws both uniformly on [-1, 1] / sqrt(fan_in).
            change = {"bias_hyperinit": 0.0, "mip": SMALL**2}[row]
            weight = (1 / 3 + change * c) / fan_in
            bias = 1 / (3 * fan_in) + change * SMALL**2
        bias = bias if biases else 0.0
        weights.append((weight, bias))
        outputs.append(fan_in * weight * moment + bias)
        moment = outputs[-1] / 2
    return weights, outputs


def outputs_of_layers(g, z):
    found = []
    for layer in g.layers:
        found.append(layer(z))
        z = jax.nn.relu(found[-1])
    return found


def measured(row, size, biases, head="full", description=None, seeds=SEEDS):
    """Means over networks of the squares of generated arrays and outputs of layers."""
    x, z = unit(1, size), unit(2, Z)

    def squares(key):
        own, key = jax.random.split(key)
        g = primary(biases, own)
        net = hl.hypernetize(
            g,
            where=eqx.nn.Linear,
            meta=description or meta(size),
            key=key,
            x=size,
            head=head,
            initialisation=row,
        )
        layers = net.primary(x)
        return jax.tree.map(
            lambda array: jnp.mean(array**2),
            (net.weights(x), outputs_of_layers(layers, z)),
        )

    keys = jax.random.split(jax.random.key(3, impl="rbg"), (seeds // 100, 100))
    sampled = optimised.jit(lambda k: jax.lax.map(jax.vmap(squares), k))(keys)
    return jax.tree.map(lambda values: float(jnp.mean(values)), sampled)


def check(row, biases, sample):
    weights, outputs = promised(row, biases)
    for level, (weight, bias) in enumerate(weights):
        found = sample[0][f"layers[{level}].weight"]
        assert found == pytest.approx(weight, rel=0.05)
        if biases:
            found = sample[0][f"layers[{level}].bias"]
            assert found == pytest.approx(bias, rel=0.05)
    assert sample[1] == pytest.approx(outputs, rel=0.05)


def test_every_row_is_tested():
    assert {row for row, _ in ROWS} == set(INITIALISATIONS)


@pytest.mark.parametrize("size", [1, 16, 784])
@pytest.mark.parametrize(("row", "biases"), ROWS)
def test_weights_and_activations_have_the_promised_variance(row, biases, size):
    check(row, biases, measured(row, size, biases))


@pytest.mark.parametrize("row", ["hyperfan_in", "hyperfan_out"])
def test_without_biases_weights_take_the_whole_variance(row):
    check(row, False, measured(row, 16, False))


# What is not independent fluctuates more from network to network: sample more of them.
@pytest.mark.parametrize(
    ("head", "seeds"),
    [
        (hl.heads.PerLayer(), SEEDS),
        (hl.heads.Chunked(size=500), 2 * SEEDS),
        (hl.heads.LowRank(rank=8), 3 * SEEDS),
    ],
)
@pytest.mark.parametrize(
    "row", [pytest.param("ntk", marks=pytest.mark.long), "hyperfan_in"]
)
def test_every_head_keeps_the_promise(row, head, seeds):
    check(row, True, measured(row, 40, True, head=head, seeds=seeds))


def test_a_relu_meta_network_of_realistic_width():
    # Outputs of layer l exceed it by l (l - 1) / 2 times 5 / 256: see the document.
    description = hl.mlp(depth=2, width=256)
    weights, outputs = measured(
        "hyperfan_in", 16, True, description=description, seeds=400
    )
    expected = promised("hyperfan_in", True)
    for level, (weight, _) in enumerate(expected[0]):
        assert weights[f"layers[{level}].weight"] == pytest.approx(weight, rel=0.05)
    assert outputs == pytest.approx(expected[1], rel=0.1)


@pytest.mark.parametrize("biases", [False, True])
def test_hyperfan_out_keeps_the_variance_of_gradients(biases):
    x, z = unit(1, 16), unit(2, Z)

    def square(key):
        own, key, direction = jax.random.split(key, 3)
        net = hl.hypernetize(
            primary(biases, own),
            where=eqx.nn.Linear,
            meta=meta(16),
            key=key,
            x=16,
            initialisation="hyperfan_out",
        )
        _, pull = jax.vjp(net.primary(x), z)
        return jnp.mean(pull(jax.random.normal(direction, (OUT,)))[0] ** 2)

    keys = jax.random.split(jax.random.key(4, impl="rbg"), (16, 100))
    sampled = optimised.jit(lambda k: jax.lax.map(jax.vmap(square), k))(keys)
    assert float(jnp.mean(sampled)) == pytest.approx(1, rel=0.05)


def test_bias_hyperinit_starts_as_the_module_for_every_x():
    g = primary(True, jax.random.key(1))
    for head in hl.heads.HEADS:
        net = hl.hypernetize(
            g,
            where=eqx.nn.Linear,
            meta=hl.mlp(depth=2, width=16),
            key=jax.random.key(2),
            x=3,
            head=head,
            initialisation="bias_hyperinit",
        )
        one = net.primary(unit(3, 3))
        same = jax.tree.map(
            np.array_equal, eqx.filter(one, eqx.is_array), eqx.filter(g, eqx.is_array)
        )
        assert all(jax.tree.leaves(same))
        # And it is not stuck there.
        gradient = eqx.filter_grad(lambda n: jnp.sum(n(unit(3, 3), unit(2, Z)) ** 2))
        moved = [jnp.abs(leaf).max() for leaf in jax.tree.leaves(gradient(net).head)]
        assert float(max(moved)) > 0


def test_ntk_stores_numbers_of_order_one_and_multiplies_outside():
    g = primary(False, jax.random.key(1))
    net = hl.hypernetize(
        g,
        where=eqx.nn.Linear,
        meta=hl.mlp(depth=1, width=1),
        key=jax.random.key(2),
        x=16,
        initialisation="ntk",
    )
    assert float(net.head.kernel.std()) == pytest.approx(1, rel=0.02)
    assert net.offsets == {}
    factors = [(2 / 16 / 16) ** 0.5, (2 / 32 / 16) ** 0.5, (1 / 32 / 16) ** 0.5]
    assert net.head.multipliers == pytest.approx(factors)


def test_gain_is_one_number_or_numbers_by_path():
    def kernels(gain):
        net = hl.hypernetize(
            primary(False, jax.random.key(1)),
            where=eqx.nn.Linear,
            meta=hl.mlp(depth=1, width=1),
            key=jax.random.key(2),
            x=4,
            gain=gain,
        )
        return [parameter.gain for parameter in net.parameters]

    assert kernels(None) == [2, 2, 1]
    assert kernels(3) == [3, 3, 3]
    assert kernels({"layers[0]": 5, "layers[2].weight": 7}) == [5, 2, 7]


@pytest.mark.parametrize("row", list(INITIALISATIONS))
def test_scales_of_normalisation_start_around_their_own_values(row):
    norm = eqx.nn.LayerNorm(500)
    net = hl.hypernetize(
        norm,
        where=eqx.nn.LayerNorm,
        meta=hl.mlp(depth=1, width=1),
        key=jax.random.key(2),
        x=16,
        initialisation=row,
    )
    weights = net.weights(unit(1, 16))
    spread = {"bias_hyperinit": 0.0, "mip": SMALL**2}.get(row, SMALL)
    for name, centre in (("weight", 1), ("bias", 0)):
        assert float(weights[name].mean()) == pytest.approx(centre, abs=0.02)
        assert float(weights[name].std()) == pytest.approx(spread, rel=0.15)


def test_features_are_measured_on_the_examples_that_are_given():
    examples = 100 * jax.random.normal(jax.random.key(0), (50, 16))
    net = hl.hypernetize(
        eqx.nn.Linear(64, 64, use_bias=False, key=jax.random.key(1)),
        where="weight",
        meta=hl.mlp(depth=2, width=64),
        key=jax.random.key(2),
        examples=examples,
    )
    weights = jax.vmap(net.weights)(examples)["weight"]
    assert float(jnp.mean(weights**2)) == pytest.approx(1 / 64, rel=0.1)
