"""Wide hypernetworks, trained, approach the small network that is their limit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl

KEYS = jax.random.split(jax.random.key(0), 4)
X = jax.random.normal(KEYS[0], (5, 3))
Z = jax.random.normal(KEYS[1], (6, 2))
Y = jnp.sin(2 * X[:, :1] * Z[None, :, 0]) + X[:, 1:2]
RULE = optax.sgd(0.02, momentum=0.5)


def described(n, m, activation="identity", depth=2):
    return hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=n, activation="identity", weight_std=1.5),
        primary=hl.mlp(depth=depth, width=m, out=1, activation=activation),
    )


@eqx.filter_jit
def trained(net, optimiser, steps=5):
    """Outputs after full-batch steps on the mean squared error."""
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)

    def loss(arrays):
        return jnp.mean((eqx.combine(arrays, rest).batch(X, Z)[..., 0] - Y) ** 2)

    def step(carry, _):
        arrays, state = carry
        steps, state = optimiser.update(jax.grad(loss)(arrays), state)
        return (optax.apply_updates(arrays, steps), state), None

    start = (arrays, optimiser.init(arrays))
    (arrays, _), _ = jax.lax.scan(step, start, length=steps)
    return eqx.combine(arrays, rest).batch(X, Z)


def slope(widths, distances):
    x = np.log(widths)
    y = np.log(np.mean(distances, axis=1))
    return ((x - x.mean()) @ y) / ((x - x.mean()) ** 2).sum()


CASES = [
    # f alone wide, below a g of any kind; H from zero, and not.
    ("meta", 0.0, {"activation": "tanh", "depth": 3}, [(64, 3), (1024, 3)]),
    ("meta", 0.6, {"activation": "relu"}, [(64, 3), (1024, 3)]),
    ("both", 0.0, {}, [(16, 16), (256, 256)]),
    # n far above m.
    ("both", 0.6, {}, [(16**2, 16), (64**2, 64)]),
]


@pytest.mark.float64_only
@pytest.mark.parametrize(("widen", "kernel", "options", "widths"), CASES)
def test_wide_networks_approach_it(widen, kernel, options, widths):
    base = described(4, 3, **options)
    key, distances = KEYS[2], []
    for n, m in widths:
        mup = hl.MuP(described(n, m, **options), base, "sgd", kernel)
        limit = hl.hypernetwork_limit(mup, widen)
        small = limit.init(key=key, x=X, z=Z)
        expected = trained(small, limit.optimiser(small, RULE))
        assert float(jnp.std(expected - small.batch(X, Z))) > 0.1
        found = []
        for seed in range(8):
            net = mup.init(key=jax.random.key(seed), x=X, z=Z)
            if widen == "meta":
                # W_0 is g's own draw, which does not vanish: the same in both.
                offset = small.meta.values[-1]["bias"]
                net = eqx.tree_at(
                    lambda whole: whole.meta.values[-1]["bias"], net, offset
                )
            outputs = trained(net, mup.optimiser(net, RULE))
            found.append(float(jnp.sqrt(jnp.mean((outputs - expected) ** 2))))
        distances.append(found)
    measured = slope([m if widen == "both" else n for n, m in widths], distances)
    assert measured == pytest.approx(-0.5, abs=0.12)


def test_it_learns_features():
    """U and W move by as much as they are, which they would not in a kernel limit."""
    mup = hl.MuP(described(8, 3), described(4, 3), "sgd", kernel=0.0)
    limit = hl.hypernetwork_limit(mup)
    net = limit.init(key=KEYS[2], x=X, z=Z)
    assert net.meta.values[0]["weight"].shape == (3, 3)
    np.testing.assert_allclose(
        net.meta.values[0]["weight"], 1.5 * jnp.eye(3) / 3**0.5, rtol=1e-6
    )
    # W_0 is the one that a finite network has at this key.
    finite = mup.init(key=KEYS[2], x=X, z=Z)
    np.testing.assert_allclose(
        net.meta.values[-1]["bias"], finite.meta.values[-1]["bias"], rtol=1e-6
    )


def test_with_a_kernel_every_weight_has_a_unit():
    mup = hl.MuP(described(8, 3), described(4, 3), "sgd", kernel=0.5)
    net = hl.hypernetwork_limit(mup).init(key=KEYS[2], x=X, z=Z)
    assert net.meta.values[0]["weight"].shape == (3 + 9, 3)
    # s = 1 / sqrt 2 or 1 / sqrt 3, the head's own 1.5, n_0 = 4.
    columns = net.meta.values[-1]["weight"][:, 3:]
    expected = 0.5 * 1.5 * 2 / np.sqrt([2.0] * 6 + [3.0] * 3)
    np.testing.assert_allclose(columns, np.diag(expected), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: (described(8, 3), "adam", "meta"), "rule='adam'"),
        (lambda: (described(8, 3, "relu"), "sgd", "both"), "exact limit"),
        (lambda: (described(8, 3, depth=3), "sgd", "both"), "exact limit"),
    ],
)
def test_mistakes(call, words):
    spec, rule, widen = call()
    with pytest.raises(hl.InputError, match=words):
        hl.hypernetwork_limit(hl.MuP(spec, spec, rule), widen)


def test_a_description_alone_is_refused(unchecked_types):
    with pytest.raises(hl.InputError, match="a Hypernetwork was given"):
        hl.hypernetwork_limit(described(8, 3))


def test_a_deep_f_has_none():
    spec = hl.Hypernetwork(
        meta=hl.mlp(depth=3, width=8, activation="identity"),
        primary=hl.mlp(depth=2, width=3, out=1),
    )
    with pytest.raises(hl.InputError, match="one hidden layer"):
        hl.hypernetwork_limit(hl.MuP(spec, spec, "sgd"))
    plain = hl.mlp(depth=2, width=3, out=1)
    with pytest.raises(hl.InputError, match="linear_limit"):
        hl.hypernetwork_limit(hl.MuP(plain, plain, "sgd"))


def test_rules_that_are_not_linear_are_refused():
    mup = hl.MuP(described(8, 3), described(4, 3), "sgd", kernel=0.0)
    limit = hl.hypernetwork_limit(mup)
    net = limit.init(key=KEYS[2], x=X, z=Z)
    with pytest.raises(hl.InputError, match="weighted sum"):
        limit.optimiser(net, optax.adam(0.1))
