"""The parts of a third Taylor term, of which docs/taylor.md counts the powers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.empirical._taylor_series import taylor_series

X, Z = jnp.ones(4), jnp.ones(2)
# Of f with two layers at an input of unit mean square.
NTK = 2.0


def parts(key, width):
    """K^(3), and D^3 g along V_1, along its mean and along what is left of it."""
    spec = hl.Hypernetwork(
        hl.mlp(depth=2, width=width), hl.mlp(depth=3, width=width, out=1)
    )
    net = hl.init(spec, key=key, x=X, z=Z)

    def generated(values):
        return eqx.tree_at(lambda n: n.meta.values, net, values).generated(X)

    def output(weights):
        return eqx.tree_at(lambda p: p.values, net.primary(X), weights)(Z)[0]

    weights, pull = jax.vjp(generated, net.meta.values)
    gradient = jax.grad(output)(weights)
    moved = jax.jvp(generated, (net.meta.values,), pull(gradient))[1]
    mean = jax.tree.map(lambda a: NTK * a, gradient)
    noise = jax.tree.map(jnp.subtract, moved, mean)
    found = [
        6 * taylor_series(output, weights, direction, 3)[3]
        for direction in (moved, mean, noise)
    ]
    whole = hl.taylor_terms(net, (X[None], Z[None]), 3)[2, 0, 0]
    return jnp.abs(jnp.stack([whole, *found]))


@pytest.mark.long
def test_the_noise_of_f_outlives_the_gradients():
    """At n = m and with g of three layers: -3/2 for noise, -2 for gradients."""
    widths, medians = (48, 80, 128), []
    for index, width in enumerate(widths):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(0), index), 800)
        drawn = jax.jit(lambda k, w=width: jax.lax.map(lambda key: parts(key, w), k))
        medians.append(np.median(drawn(keys), axis=0))
    slopes = np.polyfit(np.log(widths), np.log(medians), 1)[0]
    _, moved, mean, noise = slopes
    # Their standard errors are below 0.1.
    assert moved == pytest.approx(-1.5, abs=0.3)
    assert noise == pytest.approx(-1.5, abs=0.3)
    assert mean < noise - 0.2
    # The gradients alone, which infinite f would leave, are a small part.
    assert medians[-1][0] > 10 * medians[-1][2]
