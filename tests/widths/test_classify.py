"""Exponents against the published table, and against networks that are trained."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.widths import ABC, HypernetworkABC, Scale, WrittenLayer, abc, classify

# Yang and Hu, Feature Learning in Infinite-Width Neural Networks: L, name, c of the
# learning rate if it is not the table's own, r, regime.
TABLE = [
    (2, "standard", None, -1, "unstable"),
    (3, "standard", None, -1, "unstable"),
    (2, "standard", 1, 0.5, "kernel"),
    (4, "standard", 1, 0.5, "kernel"),
    (1, "ntk", None, 0.5, "kernel"),
    (3, "ntk", None, 0.5, "kernel"),
    (1, "mean_field", None, 0, "feature learning"),
    (1, "mup", None, 0, "feature learning"),
    (3, "mup", None, 0, "feature learning"),
]


@pytest.mark.parametrize(("hidden", "name", "c", "r", "regime"), TABLE)
def test_the_published_table(hidden, name, c, r, regime):
    given = abc(hidden, name, c=c)
    found = classify(given)
    assert found.r == pytest.approx(r)
    assert found.regime == regime
    # As it stands in the paper, with one c for all.
    a, s = given.a, given.sizes
    c = given.c[0]
    published = min(s[-1], 2 * a[-1] + c) + c - 1
    published += min(2 * a[level] + (level == 0) for level in range(hidden))
    assert found.r == pytest.approx(published)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["standard", "ntk", "mup"])
def test_multipliers_can_be_moved(name, rule):
    given = abc(2, name, rule=rule)
    moved = given.moved(0.3)
    assert moved.a != given.a
    assert classify(moved).r == pytest.approx(classify(given).r)
    assert classify(moved).regime == classify(given).regime


def test_terms_of_the_kernel():
    # With the learning rate 1/n, the first layer of a standard network does not train.
    found = classify(abc(2, "standard", c=1))
    assert found.kernel_layers == (False, True, True)
    assert classify(abc(2, "ntk")).kernel_layers == (True, True, True)


def test_trivial():
    found = classify(abc(2, "ntk", c=1))
    assert found.stable
    assert found.regime == "trivial"


def uniform(r, rule):
    """The two-hidden-layer parametrisation in which all layers contribute alike."""
    sizes = (0, 0.5, 1 - r)
    rates = (r, 1 + r, 1) if rule == "adam" else (2 * r - 1, 2 * r, 1)
    # Half of every rate through multipliers, which the law of movement is about.
    a = tuple(g / 4 for g in rates)
    power = 1 if rule == "adam" else 2
    b = tuple(s - each for s, each in zip(sizes, a, strict=True))
    c = tuple(g - power * each for g, each in zip(rates, a, strict=True))
    return ABC(a, b, c, rule)


CASES = [(r, rule) for rule in ("sgd", "adam") for r in (0, 0.25, 0.5)]


@pytest.mark.float64_only
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_features_of_trained_networks_change_so(rule):
    given = [uniform(r, each) for r, each in CASES if each == rule]
    if rule == "sgd":
        given.append(abc(2, "standard", c=1))
    widths = (64, 128, 256)
    exponents = jnp.array([[one.a, one.b, one.c] for one in given])
    rms = np.array([[float(s) for s in _changes(n, exponents, rule)] for n in widths])
    x = np.log(widths)
    slopes = ((x - x.mean()) @ np.log(rms)) / ((x - x.mean()) ** 2).sum()
    expected = [-classify(one).r for one in given]
    assert classify(given[0]).regime == "feature learning"
    np.testing.assert_allclose(slopes, expected, atol=0.05)


def _changes(n, exponents, rule):
    """Root mean square change of the last features after three steps, written out."""
    d, rows, seeds = 4, 6, 32
    shapes = [(n, d), (n, n), (1, n)]
    x = jax.random.normal(jax.random.key(1), (d, rows))
    # So large that what the network gives at birth matters little.
    y = 4 + jnp.sin(x[:1])

    def features(multiplied):
        h = jnp.tanh(multiplied[0] @ x)
        return jnp.tanh(multiplied[1] @ h)

    def one(key, given):
        a, b, c = given
        keys = jax.random.split(key, 3)
        w = [
            jax.random.normal(k, shape) * float(n) ** -b[level]
            for level, (k, shape) in enumerate(zip(keys, shapes, strict=True))
        ]

        def multiplied(w):
            return [float(n) ** -a[level] * each for level, each in enumerate(w)]

        def loss(w):
            used = multiplied(w)
            return jnp.mean((used[2] @ features(used) - y) ** 2)

        first = features(multiplied(w))
        m, v = [[jnp.zeros_like(each) for each in w] for _ in range(2)]
        for t in range(1, 4):
            steps = jax.grad(loss)(w)
            if rule == "adam":
                m = [0.9 * s + 0.1 * g for s, g in zip(m, steps, strict=True)]
                v = [0.999 * s + 0.001 * g**2 for s, g in zip(v, steps, strict=True)]
                steps = [
                    (s / (1 - 0.9**t)) / jnp.sqrt(q / (1 - 0.999**t) + 1e-60)
                    for s, q in zip(m, v, strict=True)
                ]
            rate = 0.02
            w = [
                each - rate * float(n) ** -c[level] * step
                for level, (each, step) in enumerate(zip(w, steps, strict=True))
            ]
        return jnp.sqrt(jnp.mean((features(multiplied(w)) - first) ** 2))

    keys = jax.random.split(jax.random.key(0), seeds)
    run = jax.jit(
        lambda given: jax.lax.map(
            lambda e: jnp.exp(
                jnp.mean(jnp.log(jax.lax.map(lambda k: one(k, e), keys)))
            ),
            given,
        )
    )
    return run(exponents)


def spec(depth=3):
    return hl.Hypernetwork(
        meta=hl.mlp(depth=depth, width=8),
        primary=hl.mlp(depth=3, width=8, out=1),
    )


LIMITS = [
    ("ntk", "both", "sgd", "dual kernel"),
    ("ntk", "meta", "sgd", "meta-wide"),
    ("ntk", "primary", "sgd", "primary-wide"),
    ("ntk", "both", "adam", "unstable"),
    *(
        ("standard", w, r, "unstable")
        for w in ("both", "meta")
        for r in ("sgd", "adam")
    ),
    *(
        ("mup", w, r, "feature learning")
        for w in ("both", "meta", "primary")
        for r in ("sgd", "adam")
    ),
]


@pytest.mark.parametrize(("name", "widen", "rule", "limit"), LIMITS)
def test_limits_of_hypernetworks(name, widen, rule, limit):
    found = classify(spec(), name, widen=widen, rule=rule)
    assert found.limit == limit
    assert ("unstable" in str(found)) == (limit == "unstable")


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_limits_at_any_depth_of_f(depth):
    assert classify(spec(depth), "ntk").limit == "dual kernel"
    found = classify(spec(depth), "mup")
    # A linear f has no features that could move.
    assert (found.meta_r is None) == (depth == 1)
    assert found.limit == ("feature learning" if depth > 1 else "feature learning in g")


def test_a_kernel_f_below_a_g_that_learns():
    # muP for g, and a head whose rate is a factor smaller: f stays, W_0 learns.
    mup = hl.widths.hypernetwork_abc(spec(), "mup")
    slower = tuple(
        WrittenLayer(Scale(head.size + 0.5, head.rate + 0.5), offset)
        for head, offset in mup.primary
    )
    found = classify(HypernetworkABC(mup.meta, slower, 1, 1))
    assert found.meta_r == pytest.approx(0.5)
    assert found.limit == "feature learning in g"


def test_weights_of_g_alone():
    given = hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=8),
        primary=hl.mlp(depth=3, width=8, out=1, weights_generated=[False, True, False]),
    )
    assert classify(given, "ntk").limit == "dual kernel"
    assert classify(given, "mup").limit == "feature learning"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: abc(2, "muP"), "not known"),
        (lambda: abc(2, "mean_field"), "two or more|'mup'"),
        (lambda: abc(2, "mup", a=(0, 0, 0)), "one of them"),
        (lambda: abc(2, a=(0, 0), b=(0, 0), c=0), "hold .2, 2, 3."),
        (lambda: abc(0, "mup"), "no hidden layer"),
        (lambda: abc(hl.mlp(depth=1, width=4, out=1), "mup"), "no hidden layer"),
        (lambda: abc(2), "missing"),
        (lambda: abc(1, a=(0, np.nan), b=(0, 0), c=0), "finite numbers"),
        (lambda: classify(spec()), "without a parametrisation"),
        (lambda: classify(abc(2, "mup"), "mup"), "one of them"),
        (lambda: classify(spec(), "mean_field"), "not known"),
        (
            lambda: classify(
                hl.Hypernetwork(
                    meta=hl.mlp(depth=2, width=8),
                    primary=hl.mlp(depth=1, width=8, out=1),
                ),
                "mup",
            ),
            "no hidden layer",
        ),
    ],
)
def test_mistakes(call, words):
    with pytest.raises(hl.InputError, match=words):
        call()


@pytest.mark.usefixtures("unchecked_types")
def test_other_rules_are_refused():
    with pytest.raises(hl.InputError, match="'sgd' or 'adam'"):
        abc(2, "mup", rule="lion")
    with pytest.raises(hl.InputError, match="give finite numbers"):
        abc(1, a=(0, "x"), b=(0, 0), c=0)
    with pytest.raises(hl.InputError, match="'both', 'meta' or 'primary'"):
        classify(spec(), "mup", widen="f")
    with pytest.raises(hl.InputError, match="give what abc"):
        classify(3)
