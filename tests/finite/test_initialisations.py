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

Z, WIDTH, OUT = 16, 64, 16
SEEDS = 1600
ROWS = list(hl.parametrisation.INITIALISATIONS)
SMALL = 0.1


def primary(biases):
    return eqx.nn.MLP(
        Z, OUT, WIDTH, 2, use_bias=biases, use_final_bias=biases, key=jax.random.key(9)
    )


def unit(seed, size):
    """A vector with |x|^2 = size."""
    x = np.random.default_rng(seed).normal(size=size)
    return jnp.asarray(x * np.sqrt(size) / np.linalg.norm(x))


def meta(size):
    """A head on x, or for long x on Fourier features, whose length is constant too."""
    if size < 100:
        return hl.mlp(depth=1, width=1)
    return hl.mlp(depth=1, width=1, inputs=hl.FourierFeatures(bandwidth=30, count=8))


def promised(row, g, biases):
    """The variance of each generated array and of the outputs of each layer of g."""
    weights, outputs, moment = [], [], 1.0
    for level, layer in enumerate(g.layers):
        c = 2.0 if level < 2 else 1.0
        out, fan_in = layer.weight.shape
        bias = SMALL**2
        if row in ("ntk", "standard"):
            weight = c / fan_in
        elif row == "hyperfan_in":
            weight, bias = (c / (2 * fan_in), c / 2) if biases else (c / fan_in, 0)
        elif row == "hyperfan_out":
            weight, bias = c / out, max(c * (1 - fan_in / out), SMALL**2)
        else:
            share = {"bias_hyperinit": 0.0, "mip": SMALL**2}[row]
            weight = float(jnp.mean(layer.weight**2)) + share * c / fan_in
            bias = share * SMALL**2
            if biases:
                bias += float(jnp.mean(layer.bias**2))
        weights.append((weight, bias if biases else None))
        outputs.append(fan_in * weight * moment + (bias if biases else 0))
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
    g, x, z = primary(biases), unit(1, size), unit(2, Z)

    def squares(key):
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

    keys = jax.random.split(jax.random.key(3), (seeds // 100, 100))
    sampled = jax.jit(lambda k: jax.lax.map(jax.vmap(squares), k))(keys)
    return jax.tree.map(lambda values: float(jnp.mean(values)), sampled)


def check(row, biases, sample, tolerance=0.05):
    weights, outputs = promised(row, primary(biases), biases)
    for level, (weight, bias) in enumerate(weights):
        found = sample[0][f"layers[{level}].weight"]
        assert found == pytest.approx(weight, rel=tolerance)
        if bias is not None:
            found = sample[0][f"layers[{level}].bias"]
            assert found == pytest.approx(bias, rel=tolerance)
    return outputs, sample[1]


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("size", [1, 16, 784])
@pytest.mark.parametrize("row", ["ntk", "standard", "hyperfan_in", "hyperfan_out"])
def test_weights_and_activations_have_the_promised_variance(row, size, biases):
    expected, found = check(row, biases, measured(row, size, biases))
    assert found == pytest.approx(expected, rel=0.05)
