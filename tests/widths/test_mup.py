"""Sizes and rates of MuP, beside the rules written out once more."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl
from hyperlimit.widths import tensor_scales


def describe(n, m, **options):
    return hl.Hypernetwork(
        meta=hl.mlp(depth=3, width=n, bias_std=0.1),
        primary=hl.mlp(depth=3, width=m, out=2, bias_std=0.5, **options),
    )


def pieces(net, array):
    """Rows of the head by what they write: (layer, name) -> rows."""
    start, found = 0, {}
    parameters = net.spec.primary.parameters(net.z_size)
    for level, layer in enumerate(parameters):
        for parameter in layer:
            rows = array[start : start + parameter.size]
            found[level // 2, parameter.name] = np.asarray(rows)
            start += parameter.size
    assert start == len(array)
    return found


# For every array of g, m times as wide as the base's: deviation at birth beside that of
# the base, and rates for SGD and Adam, from `docs/widths.md`.
def sizes_of(m):
    weights = {(0, "weight"): 1, (1, "weight"): 1, (2, "weight"): m**-0.5}
    return weights | {(level, "bias"): 1 for level in range(3)}


def rates_of(m):
    return {
        "sgd": {(0, "weight"): m, (1, "weight"): 1, (2, "weight"): 1 / m}
        | {(0, "bias"): m, (1, "bias"): m, (2, "bias"): 1},
        "adam": {(0, "weight"): 1, (1, "weight"): 1 / m, (2, "weight"): 1 / m}
        | {(level, "bias"): 1 for level in range(3)},
    }


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("n", "m", "base"), [(2, 4, (16, 16)), (8, 4, (16, 16)), (0.5, 0.25, (64, 64))]
)
def test_head(n, m, base, rule):
    """f and g, n and m times as wide as the base."""
    widths = int(n * base[0]), int(m * base[1])
    mup = hl.MuP(describe(*widths), describe(*base), rule, kernel=0.8)
    net = mup.init(key=jax.random.key(0), x=3, z=2)
    rates = mup.rates(net)
    head, rate = net.meta.values[-1], rates.meta.values[-1]
    written, offsets = (pieces(net, head[name]) for name in ("weight", "bias"))
    of_weights, of_offsets = (pieces(net, rate[name]) for name in ("weight", "bias"))
    parameters = net.spec.primary.parameters(2)
    for (level, name), size in sizes_of(m).items():
        fan_in = parameters[2 * level][0].fan_in if name == "weight" else 1
        s = size * (0.5 if name == "bias" else fan_in**-0.5)
        wide = 1 if (level, name) == (2, "bias") else m
        share = 0.8 * min(1, (wide / n) ** 0.5)
        rows = written[level, name]
        np.testing.assert_allclose(
            rows.std(), share * s / widths[0] ** 0.5, rtol=5 / rows.size**0.5
        )
        rest = offsets[level, name]
        deviation = s * (1 - share**2) ** 0.5
        assert abs(rest.std() / deviation - 1) < 3 / rest.size**0.5
        expected = rates_of(m)[rule][level, name]
        np.testing.assert_allclose(of_offsets[level, name], expected)
        np.testing.assert_allclose(of_weights[level, name], expected / n)


def test_what_is_generated_has_its_size():
    """Over draws, W(x) has the deviation that muP gives it in g, whatever f's width."""
    mup = hl.MuP(describe(64, 32), describe(8, 16), kernel=0.8)
    x = jnp.ones(5)

    @jax.jit
    def moments(key):
        written = mup.init(key=key, x=x, z=2).generated(x)
        return [jnp.mean(layer["weight"] ** 2) for layer in written if layer]

    keys = jax.random.split(jax.random.key(1), 40)
    found = np.sqrt(np.mean(jax.lax.map(moments, keys), axis=1))
    np.testing.assert_allclose(found, [2**-0.5, 32**-0.5, 32**-0.5 / 2**0.5], rtol=0.05)


def test_at_the_base_it_is_standard():
    spec = describe(16, 8)
    net = hl.MuP(spec, spec, kernel=1.0).init(key=jax.random.key(0), x=3, z=2)
    plain = hl.init(spec, key=jax.random.key(0), x=3, z=2, parametrisation="standard")
    for ours, theirs in zip(net.meta.values[:-1], plain.meta.values[:-1], strict=True):
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])
    rates = jax.tree.leaves(hl.MuP(spec, spec).rates(net))
    assert all((np.asarray(each) == 1).all() for each in rates)


def test_weights_that_g_keeps():
    options = {"weights_generated": [True, False, True]}
    mup = hl.MuP(describe(32, 32, **options), describe(16, 8, **options), "adam")
    net = mup.init(key=jax.random.key(0), x=3, z=2)
    own, rates = net.own[2]["weight"], mup.rates(net).own[2]["weight"]
    assert own.shape == (32, 32)
    np.testing.assert_allclose(own.std(), 32**-0.5, rtol=0.1)
    np.testing.assert_allclose(rates, 1 / 4)


def test_networks():
    """The table of Tensor Programs V, by cases."""
    wide, base = (hl.mlp(depth=3, width=w, out=2, bias_std=1.0) for w in (64, 16))
    scales = tensor_scales(wide, base, 5)
    first, middle, last = (scales[level] for level in (0, 2, 4))
    for scale, size, sgd, adam in [
        (first["weight"], 1, 4, 1),
        (middle["weight"], 1, 1, 1 / 4),
        (last["weight"], 1 / 2, 1 / 4, 1 / 4),
        (first["bias"], 1, 4, 1),
        (last["bias"], 1, 1, 1),
    ]:
        found = (scale.size, scale.rate("sgd"), scale.rate("adam"))
        assert found == pytest.approx((size, sgd, adam))
    mup = hl.MuP(wide, base, "sgd")
    net = mup.init(key=jax.random.key(0), x=5)
    np.testing.assert_allclose(net.values[4]["weight"].std(), 1 / 16, rtol=0.2)


def test_steps():
    """The optimiser's step is the rule's, times the rates; features' numbers stay."""
    z = hl.FourierFeatures(bandwidth=1.0, count=8)
    spec, base = (
        hl.Hypernetwork(
            meta=hl.mlp(depth=2, width=n),
            primary=hl.mlp(depth=2, width=m, out=1, inputs=z),
        )
        for n, m in ((16, 8), (8, 8))
    )
    mup = hl.MuP(spec, base, "sgd")
    net = mup.init(key=jax.random.key(0), x=3, z=2)
    grads = jax.tree.map(jnp.ones_like, eqx.filter(net, eqx.is_inexact_array))
    optimiser = mup.optimiser(net, optax.sgd(0.1, momentum=0.5))
    steps, _ = optimiser.update(grads, optimiser.init(grads))
    np.testing.assert_allclose(steps.meta.values[0]["weight"], -0.1 * 2, rtol=1e-6)
    np.testing.assert_allclose(steps.meta.values[-1]["weight"], -0.1 / 2, rtol=1e-6)
    np.testing.assert_allclose(steps.fixed, 0)


def test_the_training_loop_takes_it():
    z = hl.FourierFeatures(bandwidth=1.0, count=8)
    spec, base = (
        hl.Hypernetwork(
            meta=hl.mlp(depth=2, width=n),
            primary=hl.mlp(depth=2, width=8, out=1, inputs=z),
        )
        for n in (16, 8)
    )
    mup = hl.MuP(spec, base)
    x, at = jnp.linspace(-1, 1, 12)[:, None], jnp.linspace(-1, 1, 5)[:, None]
    net = mup.init(key=jax.random.key(0), x=x, z=at)
    done = hl.train(
        net,
        (x, at, x * at.T),
        optimiser=mup.optimiser(net, optax.adam(1e-2)),
        steps=60,
        key=jax.random.key(1),
    )
    assert done.losses[-1] < 0.2 * done.losses[0]
    np.testing.assert_array_equal(done.net.fixed, net.fixed)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hl.MuP(describe(8, 8), hl.mlp(depth=2, width=4)), "describe both"),
        (lambda: hl.MuP(describe(8, 8), describe(8, 8), kernel=2.0), "give 0 to 1"),
        (
            lambda: hl.MuP(describe(8, 8), describe(4, 4)).init(key=jax.random.key(0)),
            "sizes of x and z",
        ),
        (
            lambda: hl.MuP(
                hl.mlp(depth=3, width=8, out=1), hl.mlp(depth=2, width=8, out=1)
            ).init(key=jax.random.key(0), x=3),
            "describe both alike",
        ),
        (
            lambda: hl.MuP(
                describe(8, 8, activation="tanh"), describe(4, 4, activation="relu")
            ),
            "g has the layer Elementwise.* describe both alike",
        ),
    ],
)
def test_mistakes(call, words):
    with pytest.raises(hl.InputError, match=words):
        call()


@pytest.mark.parametrize(
    ("rule", "optimiser", "words"),
    [
        ("sgd", optax.adam(0.1), "give MuP rule='adam'"),
        ("sgd", optax.sign_sgd(0.1), "give MuP rule='adam'"),
        ("adam", optax.sgd(0.1, momentum=0.9), "give MuP rule='sgd'"),
        ("adam", optax.adamw(0.1), None),
        ("adam", optax.lion(0.1), None),
        ("sgd", optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)), None),
        ("sgd", optax.sgd(optax.linear_schedule(0.0, 0.1, 10)), None),
    ],
)
def test_a_rule_of_the_other_kind_is_refused(rule, optimiser, words):
    mup = hl.MuP(describe(8, 8), describe(4, 4), rule)
    net = mup.init(key=jax.random.key(0), x=3, z=2)
    if words is None:
        mup.optimiser(net, optimiser)
        return
    with pytest.raises(hl.InputError, match=words):
        mup.optimiser(net, optimiser)


def test_another_network_is_refused(unchecked_types, refuses):
    mup = hl.MuP(describe(8, 8), describe(4, 4))
    other = hl.MuP(describe(8, 4), describe(4, 4)).init(key=jax.random.key(0), x=3, z=2)
    with refuses("give a network from its init"):
        mup.rates(other)
    plain = hl.init(hl.mlp(depth=2, width=8, out=1), key=jax.random.key(0), x=3)
    with refuses("a FiniteNetwork was given and MuP is of a Hypernetwork"):
        mup.rates(plain)
    with refuses("optimiser=0.1 is no transformation"):
        mup.optimiser(other, 0.1)
