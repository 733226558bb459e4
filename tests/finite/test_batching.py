"""Batches in blocks and below a ceiling of memory: the same numbers as without."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.finite import over_inputs
from hyperlimit.layers import (
    Dense,
    Elementwise,
    FiLM,
    LayerNorm,
    LowRank,
    Residual,
)

KEY = jax.random.key(0)
# Own and generated parameters in every kind of layer for vectors.
LAYERS = (
    Dense(48, bias_std=0.3),
    Elementwise("erf"),
    FiLM(0.5, 0.5),
    Dense(48, weights_generated=False, bias_std=0.2, biases_generated=True),
    LayerNorm(),
    Residual((Dense(48, bias_std=0.1), Elementwise("relu"), LowRank(rank=2))),
    Dense(2),
)
PLAIN = hl.Hypernetwork(
    meta=hl.mlp(depth=2, width=16), primary=hl.mlp(depth=3, width=32, out=2)
)


def mixed(**settings):
    spec = hl.Hypernetwork(
        meta=hl.mlp(depth=3, width=16, bias_std=0.1),
        primary=hl.Network(LAYERS, **settings),
    )
    return hl.init(spec, key=KEY, x=5, z=2)


def inputs(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def every_pair(net, x, z):
    """A batch as its docstring defines it."""
    if z.ndim == 2:
        return jax.vmap(lambda a: jax.vmap(net.primary(a))(z))(x)
    return jax.vmap(lambda a, b: jax.vmap(net.primary(a))(b))(x, z)


def equations(jaxpr):
    """All of them, those of functions that are called and of loops among them."""
    for equation in jaxpr.eqns:
        yield equation
        for parameter in equation.params.values():
            inner = getattr(parameter, "jaxpr", parameter)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def loops(net, x, z, **settings):
    """How often each loop of a batch goes round."""
    found = jax.make_jaxpr(lambda x, z: net.batch(x, z, **settings))(x, z)
    scans = (e for e in equations(found.jaxpr) if e.primitive.name == "scan")
    return [scan.params["length"] for scan in scans]


def derivatives(outputs, net, x, z):
    """Outputs, a gradient in everything, its derivative along itself, and a jvp."""
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)
    weights = jnp.cos(jnp.arange(len(x) * 60.0)).reshape(len(x), 30, 2)

    def of(arrays, x, z):
        return outputs(eqx.combine(arrays, rest), x, z)

    def loss(*given):
        return jnp.sum(weights * of(*given) ** 2)

    given = (arrays, x, z)
    slopes = jax.grad(loss, argnums=(0, 1, 2))
    gradient, curvature = jax.jvp(slopes, given, given)
    return *jax.jvp(of, given, given), gradient, curvature


@pytest.mark.parametrize(
    ("shared", "chunk", "inside"),
    [(True, None, {}), (False, 33, {"inputs": hl.FourierFeatures(1.0, count=4)})],
)
def test_blocks_and_chunks_change_nothing_but_roundings(shared, chunk, inside, epsilon):
    net, x = mixed(**inside), inputs(1, 113, 5)
    z = inputs(2, 30, 2) if shared else inputs(2, 113, 30, 2)
    assert loops(net, x, z, chunk=chunk)

    def batch(net, x, z):
        return net.batch(x, z, chunk)

    expected = eqx.filter_jit(derivatives)(every_pair, net, x, z)
    found = eqx.filter_jit(derivatives)(batch, net, x, z)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        close = 3e3 * epsilon * float(jnp.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=0, atol=close)


def test_a_batch_linearises(epsilon):
    net, x, z = hl.init(PLAIN, key=KEY, x=5, z=2), inputs(1, 90, 5), inputs(2, 64, 2)
    assert loops(net, x, z)
    outputs, slope = jax.linearize(lambda z: net.batch(x, z), z)
    expected, change = jax.jvp(lambda z: every_pair(net, x, z), (z,), (z,))
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e3 * epsilon)
    np.testing.assert_allclose(slope(z), change, rtol=0, atol=1e3 * epsilon)


def test_blocks_fill_a_cache_and_no_more():
    net = hl.init(PLAIN, key=KEY, x=5, z=2)
    x, item = inputs(1, 96, 5), inputs(1, 1).dtype.itemsize
    # 32 units at each of 256 points are the largest arrays, 2^13 numbers for each x.
    assert loops(net, x, inputs(2, 256, 2)) == [96 * item * 2**13 // 2**19]
    # With few points they are the 1,152 generated numbers.
    assert loops(net, x[:40], inputs(2, 4, 2)) == []


def test_blocks_are_for_processors_with_caches(monkeypatch):
    net = hl.init(PLAIN, key=KEY, x=5, z=2)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert loops(net, inputs(1, 80, 5), inputs(2, 256, 2)) == []


def test_large_arrays_that_all_share_are_not_fetched_for_each():
    own = hl.mlp(
        depth=3, width=512, out=1, weights_generated=[True, False, False], bias_std=0.1
    )
    spec = hl.Hypernetwork(meta=hl.mlp(depth=2, width=8), primary=own)
    net = hl.init(spec, key=KEY, x=5, z=2)
    # Own weights of 512 x 512 numbers beside activations of 512 x 8 for each x: 64.
    assert loops(net, inputs(1, 60, 5), inputs(2, 8, 2)) == []
    assert loops(net, inputs(1, 256, 5), inputs(2, 8, 2)) == [4]


def test_parts_of_uneven_length(tolerance):
    for count, size in ((7, 3), (13, 5), (12, 5), (1, 1), (5, 9), (9, 4)):
        rows = inputs(count, count, 3)
        found = over_inputs(
            lambda a: 2 * a,
            lambda a, z: a[None] + z,
            rows,
            jnp.ones((4, 3)),
            paired=False,
            chunk=size,
        )
        expected = jnp.broadcast_to(2 * rows[:, None] + 1, found.shape)
        np.testing.assert_allclose(found, expected, rtol=tolerance)


# --- Ceilings ---------------------------------------------------------------------


def described():
    spec = hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=4), primary=hl.mlp(depth=3, width=64, out=1)
    )
    return hl.init(spec, key=KEY, x=5, z=2)


def module(head):
    primary = eqx.nn.MLP(2, 1, width_size=64, depth=2, key=KEY)
    return hl.hypernetize(
        primary,
        where=eqx.nn.Linear,
        meta=hl.mlp(depth=2, width=4),
        x=5,
        key=KEY,
        head=head,
    )


def temporary_bytes(net, x, z, **settings):
    """What XLA sets aside for outputs and gradient, through the public calls."""
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)

    def both(arrays, x, z, slopes):
        found, pull = jax.vjp(
            lambda a: eqx.combine(a, rest).batch(x, z, **settings), arrays
        )
        return found, pull(slopes)

    slopes = jnp.ones((len(x), len(z), 1))
    compiled = jax.jit(both).lower(arrays, x, z, slopes).compile()
    return compiled.memory_analysis().temp_size_in_bytes, compiled


NETWORKS = {
    "described": described,
    "low_rank": lambda: module(hl.heads.LowRank(rank=4)),
    "full": lambda: module("full"),
    "per_layer": lambda: module("per_layer"),
    "chunked": lambda: module(hl.heads.Chunked(size=256, hidden=8, embedding=4)),
}
CEILED = [
    pytest.param(name, marks=[] if name in ("described", "low_rank") else LONG)
    for LONG in (pytest.mark.long,)
    for name in NETWORKS
]


@pytest.mark.parametrize("name", CEILED)
def test_a_ceiling_holds(name, epsilon):
    net, x, z = NETWORKS[name](), inputs(1, 60, 5), inputs(2, 16, 2)
    whole, plain = temporary_bytes(net, x, z)
    ceiling = whole // 2
    below, ceiled = temporary_bytes(net, x, z, memory=ceiling)
    assert below <= ceiling
    # Not by far: a chunk that is a third larger does not fit.
    assert below > ceiling // 2
    arrays = eqx.filter(net, eqx.is_inexact_array)
    slopes = jnp.cos(jnp.arange(960.0)).reshape(60, 16, 1)
    found, expected = (f(arrays, x, z, slopes) for f in (ceiled, plain))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        close = 3e3 * epsilon * float(jnp.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=0, atol=close)


def test_where_all_fit_there_are_no_chunks():
    net, x, z = described(), inputs(1, 20, 5), inputs(2, 3, 2)
    assert loops(net, x, z, memory="1GB") == loops(net, x, z)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"memory": "1kB"}, ("1kB", "at least", "MB")),
        ({"memory": "much"}, ("much", "200MB")),
        ({"memory": "1..5MB"}, ("1..5MB",)),
        ({"memory": 0}, ("memory=0",)),
        ({"memory": "1GB", "chunk": 2}, ("chunk=2", "1GB")),
    ],
)
def test_a_ceiling_that_cannot_be_met_is_refused(settings, words, unchecked_types):
    with pytest.raises(hl.InputError) as caught:
        described().batch(jnp.ones((3, 5)), jnp.ones((4, 2)), **settings)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
