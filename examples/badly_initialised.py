"""Hypernetworks as people write them by hand, with the usual initialisations.

    hyperlimit diagnose examples/badly_initialised.py:pytorch_default --data mnist

A multilayer perceptron f writes all weights of g, an implicit representation of an
image. Each initialisation is right for a layer of its own and wrong for one that writes
another network's weights.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp

SEEN, WIDTH, FEATURES = 392, 64, 256
SHAPES = ((WIDTH, 2), (WIDTH, WIDTH), (WIDTH, WIDTH), (1, WIDTH))


class Written(eqx.Module):
    """g: reads a coordinate with weights that are given to it."""

    weights: list[jax.Array]
    biases: list[jax.Array]

    def __call__(self, z):
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = jax.nn.relu(weight @ z + bias)
        return self.weights[-1] @ z + self.biases[-1]


class ByHand(eqx.Module):
    """h(x, z) = g(z; f(x)); `primary` gives g for one x."""

    layers: list[eqx.nn.Linear]

    def primary(self, x):
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        flat, start, weights, biases = self.layers[-1](x), 0, [], []
        for out, fan_in in SHAPES:
            weights.append(flat[start : start + out * fan_in].reshape(out, fan_in))
            start += out * fan_in
            biases.append(flat[start : start + out])
            start += out
        return Written(weights, biases)

    def __call__(self, x, z):
        return self.primary(x)(z)


def by_hand(key, std, bias_std=0.0, seen=SEEN):
    total = sum(out * fan_in + out for out, fan_in in SHAPES)
    sizes, layers = (seen, FEATURES, FEATURES, total), []
    for fan_in, out in itertools.pairwise(sizes):
        key, one, two, three = jax.random.split(key, 4)
        layer = eqx.nn.Linear(fan_in, out, key=one)
        weight = std(fan_in) * jax.random.normal(two, (out, fan_in))
        bias = bias_std * std(fan_in) * jax.random.normal(three, (out,))
        layers.append(eqx.tree_at(lambda m: (m.weight, m.bias), layer, (weight, bias)))
    return ByHand(layers)


def pytorch_default(key):
    """Weights and biases of variance 1 / (3 fan_in), as torch.nn.Linear has them."""
    return by_hand(key, lambda fan_in: (3 * fan_in) ** -0.5, bias_std=1.0)


def flax_default(key):
    """Weights of variance 1 / fan_in and no biases, as flax.linen.Dense has them."""
    return by_hand(key, lambda fan_in: fan_in**-0.5)


def he(key):
    """Weights of variance 2 / fan_in, as is right before a ReLU."""
    return by_hand(key, lambda fan_in: (2 / fan_in) ** 0.5)


if __name__ == "__main__":
    net = flax_default(jax.random.key(0))
    print(net(jnp.ones(SEEN), jnp.zeros(2)).shape)
