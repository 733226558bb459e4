"""The pi-limit against networks of growing width, and its rules by hand."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.activations import GaussianPair, ReLU
from hyperlimit.feature_learning import _pi_network
from hyperlimit.feature_learning._relu_moment import relu_moment

KEY = jax.random.key(0)
DRAW = np.random.default_rng(0)
X = jnp.asarray(DRAW.standard_normal((6, 3)), float)
Y = jnp.asarray(DRAW.standard_normal((6, 2)), float)
BATCHES = (slice(0, 3), slice(3, 6), slice(1, 5))


def born(depth=3, rank=4, **settings):
    spec = hl.mlp(depth=depth, width=1, out=2, bias_std=0.5)
    return hl.pi_limit(spec, rank=rank, **settings).init(X, key=KEY)


def stepped(net, rate=0.3, batches=BATCHES, **settings):
    for rows in batches:
        net, _ = net.step(X[rows], Y[rows], learning_rate=rate, **settings)
    return net


# --- one moment


def test_the_moment_is_the_dual_of_the_rectifier(tolerance):
    units = jnp.asarray(DRAW.standard_normal((5, 4)), float)
    units = units / jnp.linalg.norm(units, axis=1, keepdims=True)
    g = jnp.asarray(DRAW.standard_normal(4), float)
    length = jnp.linalg.norm(g)
    pair = GaussianPair(jnp.ones(5), length * jnp.ones(5), 1 - units @ g / length)
    np.testing.assert_allclose(
        relu_moment(units, g), ReLU().dual(pair), rtol=10 * tolerance
    )


@pytest.mark.parametrize("cosine", [-1.0, -0.3, 0.9, 1.0])
def test_its_gradient_is_a_moment_too(cosine, tolerance):
    r"""E phi(b w) phi'(g w) w, here in the plane by the midpoint rule in the angle."""
    b, s = jnp.array([1.0, 0.0]), 1.7
    g = s * jnp.array([cosine, math.sqrt(1 - cosine**2)])
    found = jax.grad(lambda v: relu_moment(b[None], v)[0])(g)
    angle = 2 * np.pi * (np.arange(200_000) + 0.5) / 200_000
    w = np.stack([np.cos(angle), np.sin(angle)])
    inner = np.maximum(np.asarray(b) @ w, 0) * (np.asarray(g) @ w > 0)
    # E |w|^2 = 2 of a plane's Gaussian, whose direction is uniform.
    expected = 2 * np.mean(inner * w, axis=1)
    # The rule errs by a step of 1e-5 at the jump of phi'.
    np.testing.assert_allclose(found, expected, atol=1e-5 + 10 * tolerance)


def test_at_zero_there_is_no_slope():
    slope = jax.jacobian(lambda v: relu_moment(jnp.eye(3), v))(jnp.zeros(3))
    np.testing.assert_array_equal(slope, 0)


# --- the rule, written out


def by_hand(net, batches, rate):
    """Rows of unit length and finite differences, in NumPy: the outputs for X."""
    scales, s = net.scales, np.asarray
    first, biases = s(net.first), [s(b) for b in net.biases]
    rows = [(s(p.a), s(p.units)) for p in net.rows]

    def moment(units, g):
        length = np.linalg.norm(g)
        q = np.clip(units @ g / length, -1, 1)
        return length * (np.sqrt(1 - q**2) + (np.pi - np.arccos(q)) * q) / (2 * np.pi)

    def levels(x, shift=None):
        found = []
        for level in range(scales.depth):
            std = scales.weight_stds[level]
            if level == 0:
                g = std / np.sqrt(len(x)) * first.T @ x
            else:
                a, units = rows[level - 1]
                # The rectifiers are scaled by sqrt(2), in the weight and above it.
                g = std * 2 * a.T @ moment(units, found[-1])
            g = g + scales.bias_stds[level] * biases[level]
            if shift is not None and shift[0] == level:
                g = g + shift[1]
            found.append(g)
        return found

    def slope(x, y, level, width, count):
        def loss(shift):
            return np.sum((levels(x, (level, shift))[-1] - y) ** 2) / (2 * count)

        h = 1e-6
        basis = h * np.eye(width)
        return np.array([(loss(e) - loss(-e)) / (2 * h) for e in basis])

    for batch in batches:
        x, y = s(X[batch]), s(Y[batch])
        found = [levels(row) for row in x]
        widths = [len(g) for g in found[0]]
        slopes = [
            [
                slope(a, b, level, widths[level], len(x))
                for a, b in zip(x, y, strict=True)
            ]
            for level in range(scales.depth)
        ]
        for level in range(scales.depth):
            step = -rate * scales.rates[level] * np.array(slopes[level])
            biases[level] = biases[level] + scales.bias_stds[level] * step.sum(0)
            std = scales.weight_stds[level]
            if level == 0:
                first = first + std / np.sqrt(x.shape[1]) * x.T @ step
                continue
            below = np.array([each[level - 1] for each in found])
            lengths = np.linalg.norm(below, axis=1, keepdims=True)
            a, units = rows[level - 1]
            rows[level - 1] = (
                np.concatenate([a, std * lengths * step]),
                np.concatenate([units, below / lengths]),
            )
    return np.array([levels(row)[-1] for row in s(X)])


@pytest.mark.float64_only(reason="finite differences")
@pytest.mark.parametrize("depth", [2, 3])
def test_the_rule_by_hand(depth):
    net = born(depth, rates=(0.5, 2.0, 1.5)[:depth])
    found = jax.vmap(stepped(net))(X)
    np.testing.assert_allclose(found, by_hand(net, BATCHES, 0.3), rtol=1e-7, atol=1e-8)


# --- the limit of networks of finite width


@pytest.mark.parametrize(
    ("depth", "clip"),
    [(2, None), (3, 0.2), pytest.param(4, None, marks=pytest.mark.long)],
    ids=["2", "3, clipped", "4"],
)
def test_finite_networks_tend_to_it(depth, clip):
    """As one over the root of the width, through the same three steps."""
    net = born(depth, rates=(0.5, 1.5, 1.0, 2.0)[:depth])
    limit = jax.vmap(stepped(net, clip=clip))(X)
    assert float(jnp.abs(limit).max()) > 0.1

    def wrong(width, keys):
        def one(key):
            finite = stepped(net.sample(width, key=key), clip=clip)
            return jnp.mean((jax.vmap(finite)(X) - limit) ** 2)

        return float(jnp.sqrt(jnp.mean(jax.lax.map(jax.jit(one), keys))))

    widths = (64, 192, 576)
    errors = [wrong(n, jax.random.split(jax.random.key(n), 24)) for n in widths]
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert -0.65 < slope < -0.38


def test_a_sample_of_a_trained_network_is_near_it():
    net = stepped(born())
    limit = jax.vmap(net)(X)

    def wrong(width):
        def one(key):
            return jnp.mean((jax.vmap(net.sample(width, key=key))(X) - limit) ** 2)

        keys = jax.random.split(jax.random.key(width), 60)
        return float(jnp.sqrt(jnp.mean(jax.lax.map(one, keys))))

    # A root of nine.
    assert 2.3 < wrong(150) / wrong(1350) < 3.9


def test_a_step_that_is_not_projected_has_another_limit():
    """The projection matters, or the test above would say nothing about it."""
    net, way = born(), (0.5, BATCHES * 4)
    limit = jax.vmap(stepped(net, *way))(X)
    finite = net.sample(800, key=KEY)
    # Matrices of full rank: then the projection is the identity.
    whole = eqx.tree_at(
        lambda f: f.omegas, finite, tuple(jnp.eye(800) for _ in finite.omegas)
    )

    def wrong(net):
        return jnp.linalg.norm(jax.vmap(stepped(net, *way))(X) - limit)

    # Six to eight times, on average over samples.
    assert wrong(whole) > 3 * wrong(finite)


# --- what a step does


@pytest.mark.float64_only(reason="finite differences")
@pytest.mark.parametrize("depth", [2, 3])
def test_the_squared_gradient_is_what_the_loss_falls_by(depth):
    net = stepped(born(depth))
    rate, losses = 1e-6, []
    for sign in (1, -1):
        moved, _ = net.step(X, Y, learning_rate=sign * rate)
        losses.append(float(moved.step(X, Y, learning_rate=0.0)[1]))
    fall = (losses[1] - losses[0]) / (2 * rate)
    # A clip at a tenth of that norm is a tenth of the step.
    clipped, _ = net.step(X, Y, learning_rate=0.1, clip=math.sqrt(fall) / 10)
    plain, _ = net.step(X, Y, learning_rate=0.01)
    np.testing.assert_allclose(clipped.first, plain.first, atol=1e-9)
    longer, _ = net.step(X, Y, learning_rate=0.01, clip=1.1 * math.sqrt(fall))
    np.testing.assert_array_equal(longer.first, plain.first)


def test_training_is_steps_whatever_room_there_is(monkeypatch, tolerance):
    monkeypatch.setattr(_pi_network, "_ROOM", 5)
    net = born()
    rates = jnp.linspace(0.1, 0.4, 6)
    trained, losses = net.train(
        X, Y, learning_rate=rates, steps=6, batch_size=4, key=KEY
    )
    for index in range(6):
        rows = jax.random.permutation(jax.random.fold_in(KEY, index), 6)[:4]
        net, loss = net.step(X[rows], Y[rows], learning_rate=rates[index])
        np.testing.assert_allclose(loss, losses[index], rtol=1e3 * tolerance)
    assert int(trained.seen) == 24
    used = [part.used(24) for part in trained.rows]
    assert [len(part.a) for part in used] == [4 + 24, 24]
    np.testing.assert_allclose(
        jax.vmap(trained)(X), jax.vmap(net)(X), atol=1e3 * tolerance
    )


def test_it_learns_features_and_fits():
    net = born(rank=8)
    before = jax.vmap(net.levels)(X)[1]
    trained, losses = net.train(
        X, Y, learning_rate=0.5, steps=100, batch_size=6, key=KEY
    )
    assert losses[-1] < 0.1 * losses[0]
    after = jax.vmap(trained.levels)(X)[1]
    change = after @ after.T - before @ before.T
    assert jnp.linalg.norm(change) > 0.1 * jnp.linalg.norm(before @ before.T)


def test_a_network_at_birth_is_zero_and_keeps_lengths():
    spec = hl.mlp(depth=4, width=1, out=1)
    net = hl.pi_limit(spec, rank=400).init(50, key=KEY)
    x = jnp.asarray(DRAW.standard_normal((20, 50)), float)
    *hidden, out = jax.vmap(net.levels)(x)
    np.testing.assert_array_equal(out, 0)
    for g in hidden:
        np.testing.assert_allclose(jnp.mean(jnp.sum(g**2, axis=1)), 1, atol=0.25)


# --- what is refused


@pytest.mark.parametrize(
    ("spec", "settings", "words"),
    [
        (hl.mlp(depth=2, width=1, out=1, activation="erf"), {}, "activation Erf"),
        (hl.mlp(depth=1, width=1, out=1), {}, "has layers Dense:"),
        (
            hl.Network((hl.Dense(3), hl.Elementwise("relu"), hl.LayerNorm())),
            {},
            "has layers Dense, Elementwise, LayerNorm",
        ),
        (
            hl.mlp(depth=2, width=1, out=1, inputs=hl.FourierFeatures(1.0)),
            {},
            "give the network features",
        ),
        (hl.mlp(depth=2, width=1, out=1), {"rank": 0}, "rank=0"),
        (hl.mlp(depth=3, width=1, out=1), {"rows": 1}, "rows=1"),
        (hl.mlp(depth=2, width=1, out=1), {"rates": (1.0,)}, "the 2 weight layers"),
    ],
)
def test_other_descriptions_are_refused(spec, settings, words, refuses):
    with refuses(words):
        hl.pi_limit(spec, **({"rank": 3} | settings))


def test_wrong_inputs_are_refused(refuses):
    net = born()
    with refuses("one input of 3 numbers"):
        net(jnp.ones(4))
    with refuses("batch_size=7"):
        net.train(X, Y, learning_rate=0.1, steps=1, batch_size=7, key=KEY)
    with refuses("width=3 was given and the rank is 4"):
        net.sample(3, key=KEY)
    options = {"steps": 4, "batch_size": 3, "key": KEY}
    with refuses("shape (3,) were given for 4 steps"):
        net.train(X, Y, learning_rate=jnp.ones(3), **options)
    with refuses("learning_rate=-0.1", "not negative"):
        net.train(X, Y, learning_rate=-0.1, **options)
    with refuses("x[1, 2] is nan"):
        net.train(X.at[1, 2].set(jnp.nan), Y, learning_rate=0.1, **options)
    with refuses("targets of shape (3, 1)", "outputs of shape (3, 2)"):
        net.train(X, Y[:, :1], learning_rate=0.1, **options)
    with refuses("the loss is", "smaller learning rate"):
        net.train(X, Y, learning_rate=1e6, steps=60, batch_size=6, key=KEY)
