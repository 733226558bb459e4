"""Whole networks of every layer: autodiff NTKs of finite ones, averaged over seeds.

The kernels of the limit are means over parameters up to terms that fall with the
width, so that both a number of standard errors and the widths bound the difference.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.activations import ACTIVATIONS

WIDTH, OUT = 32, 24
RELU, ERF = (hl.Elementwise(ACTIVATIONS[name]) for name in ("relu", "erf"))


def conv(**settings):
    return hl.Convolution(WIDTH, **settings)


def inner(layers):
    return hl.Dense(WIDTH), *layers, hl.Dense(OUT)


META = hl.mlp(depth=2, width=128)
CONV_META = hl.Network(
    (conv(stride=2), RELU, hl.Flatten(), hl.Dense(None)), hl.Images()
)
POOLED_META = hl.Network(
    (conv(), RELU, hl.AveragePool(2), hl.GlobalAveragePool(), hl.Dense(None)),
    hl.Images(),
)
SPECS = {
    "images, residual and norm": hl.Network(
        (
            conv(),
            hl.Residual((ERF, hl.Convolution(None, bias_std=0.3))),
            hl.LayerNorm(),
            RELU,
            hl.GlobalAveragePool(),
            hl.Dense(OUT),
        ),
        hl.Images(),
    ),
    "generated film": hl.Hypernetwork(META, hl.Network(inner((RELU, hl.FiLM())))),
    "generated low rank": hl.Hypernetwork(
        META, hl.Network(inner((RELU, hl.LowRank(WIDTH, rank=WIDTH), ERF)))
    ),
    "generated residual and norm": hl.Hypernetwork(
        META,
        hl.Network(
            inner((hl.Residual((RELU, hl.Dense(None, 0.9, 0.3))), hl.LayerNorm(), RELU))
        ),
    ),
    "only film generated": hl.Hypernetwork(
        META,
        hl.Network(
            (
                hl.Dense(WIDTH, weights_generated=False),
                RELU,
                hl.FiLM(0.8, 0.6),
                hl.Dense(OUT, weights_generated=False),
            )
        ),
    ),
    "convolutional meta-network": hl.Hypernetwork(
        CONV_META, hl.Network((hl.Dense(16), RELU, hl.Dense(OUT)))
    ),
    "pooling meta-network": hl.Hypernetwork(
        POOLED_META, hl.Network((hl.Dense(16), RELU, hl.Dense(OUT)))
    ),
}


# The others take tens of seconds each; their rules are in the law suites too.
QUICK = ("generated film", "only film generated", "convolutional meta-network")


def inputs_of(spec):
    draw = np.random.default_rng(0)
    images = draw.standard_normal((3, 4, 5, 2))
    images[2] = 0.5 * images[0] + 0.4 * images[1]
    x, z = draw.standard_normal((3, 5)), draw.standard_normal((3, 2))
    z[1] = z[0]
    if isinstance(spec, hl.Network):
        return (jnp.asarray(images, float),)
    reads = images if spec.meta.inputs.rank == 3 else x
    return jnp.asarray(reads, float), jnp.asarray(z, float)


def sampled(spec, inputs):
    """Kernels of finite networks: NTK of output 0, and products over outputs."""
    names = {"x": inputs[0][0]} | ({"z": inputs[1][0]} if inputs[1:] else {})

    @jax.jit
    def kernels(key):
        net = hl.init(spec, key=key, **names)
        trained, rest = eqx.partition(net, eqx.is_inexact_array)

        def first(trained):
            return jax.vmap(eqx.combine(trained, rest))(*inputs)[:, 0]

        rows = jax.tree.leaves(jax.jacrev(first)(trained))
        jacobian = jnp.concatenate([row.reshape(len(row), -1) for row in rows], axis=1)
        outputs = jax.vmap(net)(*inputs)
        return jacobian @ jacobian.T, outputs @ outputs.T / outputs.shape[1]

    seeds = 400 if inputs[0].ndim == 4 else 1000
    found = [kernels(key) for key in jax.random.split(jax.random.key(1), seeds)]
    for part in zip(*found, strict=True):
        part = np.asarray(part, np.float64)
        yield part.mean(0), part.std(0, ddof=1) / seeds**0.5


@pytest.mark.float64_only(reason="an average of samples")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.long)
        for name in SPECS
    ],
)
def test_finite_kernels_average_to_the_limit(name):
    spec = SPECS[name]
    inputs = inputs_of(spec)
    limit = hl.dual_limit(spec)
    given = inputs if isinstance(spec, hl.Hypernetwork) else inputs[0]
    (ntk, ntk_error), (nngp, nngp_error) = sampled(spec, inputs)
    for mean, error, exact in (
        (ntk, ntk_error, np.asarray(limit.ntk(given))),
        (nngp, nngp_error, np.asarray(limit.nngp(given))),
    ):
        size = exact.diagonal().max()
        # Sharp enough to see a forgotten term, which is a fifth or more.
        assert error.max() < 0.045 * size
        assert (np.abs(mean - exact) < 3.5 * error + 0.03 * size).all()
