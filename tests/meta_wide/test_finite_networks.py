"""Finite networks, trained for real, approach the limit as their width grows."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from specs import OWN, SPEC, problem

import hyperlimit as hl

STEPS = 20
DEEP = hl.Hypernetwork(hl.mlp(depth=4, width=8, activation="erf"), OWN.primary)


def widened(spec, width):
    """The same description with a meta-network of a width."""
    layers = tuple(
        dataclasses.replace(layer, width=width)
        if isinstance(layer, hl.Dense) and layer.width is not None
        else layer
        for layer in spec.meta.layers
    )
    return hl.Hypernetwork(dataclasses.replace(spec.meta, layers=layers), spec.primary)


def differences(spec, width, seeds, rate):
    """Of the outputs after training, in units of how far they move, (seeds,).

    The limit starts from the finite network's own initial weights, and follows the
    same steps of gradient descent with momentum.
    """
    x, z, y = problem()
    spec = widened(spec, width)
    limit = hl.meta_wide_limit(spec).init(x, key=jax.random.key(0), z=z)
    optimiser = optax.sgd(rate, momentum=0.8)

    def descend(loss, start):
        def step(carry, _):
            at, state = carry
            updates, state = optimiser.update(jax.grad(loss)(at), state, at)
            return (optax.apply_updates(at, updates), state), None

        return jax.lax.scan(step, (start, optimiser.init(start)), length=STEPS)[0][0]

    def one(key):
        net = hl.init(spec, key=key, x=x, z=z)
        start = net.batch(x, z)
        trained = descend(lambda n: jnp.mean((n.batch(x, z) - y) ** 2) / 2, net)
        same = eqx.tree_at(
            lambda n: (n.initial, n.own), limit, (jax.vmap(net.meta)(x), net.own)
        )

        def step_of_limit(carry, _):
            net, state, _ = same.with_trained(carry[0]).step(z, y, optimiser, carry[1])
            return (net.trainable, state), None

        first = (same.trainable, optimiser.init(same.trainable))
        end = same.with_trained(jax.lax.scan(step_of_limit, first, length=STEPS)[0][0])
        error = jnp.sum((trained.batch(x, z) - end.batch(z)) ** 2)
        return jnp.sqrt(error / jnp.sum((end.batch(z) - start) ** 2))

    # The same keys, and with them the same own parameters, for every width.
    keys = jax.random.split(jax.random.key(1), seeds)
    return np.asarray(jax.jit(lambda keys: jax.lax.map(one, keys))(keys), np.float64)


def slope(spec, widths, seeds, rate=0.1):
    """Of the logarithm of the differences in that of the width: mean over seeds, error.

    Also the medians of the differences.
    """
    found = np.stack([differences(spec, width, seeds, rate) for width in widths])
    at = np.log(widths) - np.mean(np.log(widths))
    slopes = at @ np.log(found) / np.sum(at**2)
    error = slopes.std(ddof=1) / seeds**0.5
    return slopes.mean(), error, np.median(found, axis=1)


@pytest.mark.float64_only(reason="the same widths")
def test_the_difference_falls_as_one_over_the_root_of_the_width():
    estimate, error, medians = slope(SPEC, (32, 128, 512), 24)
    assert error < 0.05
    assert abs(estimate + 0.5) < 4 * error
    assert medians[-1] < 0.05


@pytest.mark.long
@pytest.mark.float64_only(reason="the same widths")
@pytest.mark.parametrize("spec", [SPEC, OWN, DEEP], ids=["all", "own", "deep"])
def test_so_it_does_from_32_to_2048(spec):
    estimate, error, medians = slope(spec, (32, 64, 128, 256, 512, 1024, 2048), 64)
    print(f"slope {estimate:.3f} +- {error:.3f}, medians {medians.round(4)}")
    assert error < 0.04
    assert abs(estimate + 0.5) < 4 * error
    assert medians[-1] < 0.03
