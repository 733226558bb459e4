"""Empirical kernels against gradients written out by automatic differentiation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl

KEY = jax.random.key(0)


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


class Tied(eqx.Module):
    """A weight that is used twice, one that is used in two pieces, one not at all."""

    shared: jax.Array
    pieces: jax.Array
    idle: jax.Array
    counter: jax.Array

    def __call__(self, x):
        hidden = jnp.tanh(self.shared @ x)
        hidden = jnp.tanh(self.shared.T @ hidden + self.counter.astype(x.dtype))
        return self.pieces[:2] @ hidden + jnp.exp(self.pieces[2:] @ hidden)


class Looped(eqx.Module):
    """One layer several times, and positions that share a weight."""

    layers: jax.Array
    read: jax.Array

    def __call__(self, x):
        x, _ = jax.lax.scan(lambda h, w: (jnp.sin(w @ h), None), x, self.layers)
        return jnp.sum(jnp.tanh(jnp.outer(x, x) @ self.read), axis=0)


class Written(eqx.Module):
    """A user's hypernetwork: weights of g through a product, a sum and a function."""

    f: eqx.nn.MLP
    g: eqx.nn.MLP
    scale: jax.Array

    def primary(self, x):
        flat = self.f(x)
        first = self.g.layers[0].weight - 0.5 * flat[:8].reshape(4, 2).T.reshape(4, 2)
        last = jnp.exp(self.scale) * flat[8:12].reshape(1, 4)
        return eqx.tree_at(
            lambda g: (g.layers[0].weight, g.layers[1].weight), self.g, (first, last)
        )

    def __call__(self, x, z):
        return self.primary(x)(z)


def described(**options):
    spec = hl.Hypernetwork(
        hl.mlp(depth=3, width=6, bias_std=0.2, activation="erf"),
        hl.mlp(depth=3, width=4, bias_std=0.1, out=2, **options),
    )
    return hl.init(spec, key=KEY, x=5, z=2)


def of_images():
    meta = hl.Network(
        (hl.Convolution(3), hl.Elementwise("erf"), hl.Flatten(), hl.Dense(None)),
        hl.Images(),
    )
    spec = hl.Hypernetwork(meta, hl.mlp(depth=2, width=3, out=1))
    return hl.init(spec, key=KEY, x=(4, 4, 1), z=2)


def hypernetized(head):
    module = eqx.nn.MLP(2, 2, 4, 2, activation=jnp.tanh, key=KEY)
    return hl.hypernetize(
        module,
        where=lambda m: m.layers[1:],
        meta=hl.mlp(depth=2, width=6, activation="erf"),
        x=5,
        head=head,
        key=jax.random.key(1),
    )


def written():
    keys = jax.random.split(KEY)
    f = eqx.nn.MLP(5, 12, 6, 1, activation=jnp.tanh, key=keys[0])
    g = eqx.nn.MLP(2, 1, 4, 1, activation=jnp.tanh, key=keys[1])
    return Written(f, g, jnp.asarray(0.3))


PAIRS = {
    "all of it generated": described,
    "a layer of its own": lambda: described(weights_generated=[True, False, True]),
    "images": of_images,
    **{head: lambda head=head: hypernetized(head) for head in ("full", "chunked")},
    "a user's": written,
}


def convolutional():
    first = eqx.nn.Conv2d(1, 3, 3, key=KEY)
    last = eqx.nn.Linear(12, 2, key=KEY)
    return eqx.nn.Sequential([first, eqx.nn.Lambda(jnp.ravel), last])


ALONE = {
    "described": (
        lambda: hl.init(hl.mlp(depth=3, width=6, bias_std=0.1, out=2), key=KEY, x=5),
        (5,),
    ),
    "tied": (
        lambda: Tied(normal(1, 5, 5), normal(2, 4, 5), normal(3, 2), jnp.arange(5)),
        (5,),
    ),
    "looped": (lambda: Looped(normal(1, 3, 4, 4), normal(2, 4, 2)), (4,)),
    "convolutional": (convolutional, (1, 4, 4)),
}


def written_out(net, *inputs):
    """All pairs of rows and outputs, (n, n, k, k), and by parameter."""
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)
    axes = (None, *(0 for _ in inputs))
    jacobian = jax.jit(
        jax.vmap(
            jax.jacrev(lambda a, *u: eqx.combine(a, rest)(*u).ravel()), in_axes=axes
        )
    )(arrays, *inputs)
    flat = [
        np.asarray(leaf).reshape(*leaf.shape[:2], -1)
        for leaf in jax.tree.leaves(jacobian)
    ]
    return [np.einsum("nkw,mlw->nmkl", part, part) for part in flat]


def agree(found, expected, epsilon):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=200 * epsilon * scale)


def examples(name):
    x = normal(5, 3, 4, 4, 1) if name == "images" else normal(5, 3, 5)
    return x, normal(6, 3, 4, 2)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_gradients_multiplied(name, epsilon):
    net, (x, z) = PAIRS[name](), examples(name)
    rows = jnp.repeat(x, 4, axis=0), z.reshape(12, 2)
    added = written_out(net, *rows)
    expected = sum(added)
    by = hl.empirical_ntk(net, (x, z), outputs="full", by_parameter=True)
    for part, kernel in zip(added, by.values(), strict=True):
        agree(kernel, part, epsilon)
    if name != "a layer of its own":
        return
    found = hl.empirical_ntk(net, (x, z), outputs="full", method="structured")
    agree(found, expected, epsilon)
    blocks = np.einsum(
        "upuqkl->upqkl", expected.reshape(3, 4, 3, 4, *expected.shape[2:])
    )
    found = hl.empirical_ntk(net, (x, z), form="blocks", outputs="full")
    agree(found, blocks, epsilon)


@pytest.mark.parametrize("name", ALONE)
def test_rows_are_gradients_multiplied(name, epsilon):
    make, shape = ALONE[name]
    net, x = make(), normal(5, 7, *shape)
    expected = sum(written_out(net, x))
    found = hl.empirical_ntk(net, x, outputs="full", method="structured")
    agree(found, expected, epsilon)
    if name != "described":
        return
    mean = np.einsum("nmkk->nm", expected) / expected.shape[-1]
    agree(hl.empirical_ntk(net, x), mean, epsilon)
    diagonal = hl.empirical_ntk(net, x, form="diagonal")
    agree(diagonal, np.diag(mean), epsilon)


def test_methods_agree(epsilon):
    net, two = described(), (normal(7, 2, 5), normal(8, 2, 3, 2))
    one, *rest = (
        hl.empirical_ntk(net, examples(""), two, outputs="full", method=method)
        for method in ("structured", "jacobian", "products")
    )
    for other in rest:
        agree(other, np.asarray(one), epsilon)


def test_rows_in_any_order_and_number(epsilon):
    """Pairs that share x in turns, unequally often, and some x alone."""
    net, (x, z) = described(), examples("")
    rows = jnp.repeat(x, 4, axis=0), z.reshape(12, 2)
    expected = np.asarray(hl.empirical_ntk(net, (x, z), outputs="full", chunk=3))
    order = np.random.default_rng(0).permutation(12)[:10]
    given = (rows[0][order], rows[1][order])
    settings = {"outputs": "full", "method": "structured"}
    found = hl.empirical_ntk(net, given, (x, z), **settings)
    agree(found, expected[order], epsilon)
    traced = jax.jit(lambda x, z: hl.empirical_ntk(net, (x, z), **settings))(*given)
    agree(traced, expected[order][:, order], epsilon)
    diagonal = hl.empirical_ntk(net, given, form="diagonal", outputs="full")
    agree(diagonal, np.einsum("nnkl->nkl", expected)[order], epsilon)


def test_chunks_are_the_whole(epsilon):
    net, x = ALONE["described"][0](), normal(5, 7, 5)
    for options in ({"outputs": "full"}, {"others": x[:3]}, {"form": "diagonal"}):
        expected = hl.empirical_ntk(net, x, **options)
        found = hl.empirical_ntk(net, x, **options, chunk=4)
        agree(found, np.asarray(expected), epsilon)


def test_only_what_is_trained(epsilon):
    net, (x, z) = described(), examples("")
    by = hl.empirical_ntk(net, (x, z), by_parameter=True)
    head = jax.tree.map(lambda _: False, net)
    head = eqx.tree_at(
        lambda n: n.meta.values[-1], head, {"bias": True, "weight": True}
    )
    found = hl.empirical_ntk(net, (x, z), trained=head)
    names = [name for name in by if name.startswith("meta.values[4]")]
    assert len(names) == 2
    agree(found, sum(np.asarray(by[name]) for name in names), epsilon)


def test_a_network_of_another_precision():
    """float32 arrays where JAX's default is float64."""
    net = jax.tree.map(lambda a: a.astype(jnp.float32), described())
    x, z = (a.astype(jnp.float32) for a in examples(""))
    found = hl.empirical_ntk(net, (x, z))
    assert found.dtype == jnp.float32
    expected = np.asarray(hl.empirical_ntk(described(), examples("")))
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_gradients_of_g_are_not_formed_for_the_head():
    """No array in the compiled function is examples x generated numbers x features."""
    net = described()
    (x, z), total = examples(""), 42
    assert net.meta.values[-1]["weight"].shape == (total, 6)
    plan = hl.ntk_plan(net, (x, z))
    # The largest array is the cotangents of the generated numbers, 12 examples.
    itemsize = x.dtype.itemsize
    assert plan.costs["structured"].largest <= 2 * 12 * total * itemsize
    assert plan.costs["jacobian"].largest >= 12 * 2 * total * 6 * itemsize
    assert "kernel of g" in plan.contractions["meta.values[4]['weight']"]
    assert "cotangents" in plan.contractions["meta.values[0]['weight']"]
    assert "structured" in str(plan)


def test_the_cheapest_is_chosen():
    """Few examples of many outputs: columns would need many passes."""
    wide = hl.init(hl.mlp(depth=2, width=64, out=1), key=KEY, x=50)
    plan = hl.ntk_plan(wide, normal(1, 9, 50))
    assert plan.method == min(plan.costs, key=lambda name: plan.costs[name].flops)
    # 9 examples: forward 2 (50 64 + 64), the products of their 64-vectors, and back.
    forward = 9 * 2 * (50 * 64 + 64)
    assert forward <= plan.costs["structured"].flops <= 2 * forward
    columns = 9 * 9 * 2 * (50 * 64 + 64)
    assert 2 * columns <= plan.costs["products"].flops <= 5 * columns


def test_its_mean_is_the_limit():
    """Over wide networks, within the standard error of every entry."""
    spec = hl.Hypernetwork(
        hl.mlp(depth=2, width=512, bias_std=0.3),
        hl.mlp(depth=2, width=256, bias_std=0.3, out=1),
    )
    rows, seeds = (normal(5, 6, 5), normal(6, 6, 2)), 60
    exact = np.asarray(hl.dual_limit(spec).ntk(rows))
    nets = [hl.init(spec, key=jax.random.key(seed), x=5, z=2) for seed in range(seeds)]
    found = np.stack([hl.empirical_ntk(net, rows) for net in nets])
    error = found.std(axis=0) / seeds**0.5
    assert np.abs((found.mean(axis=0) - exact) / error).max() < 4.5
    assert error.max() < 0.05 * exact.max()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"form": "half"}, ("form='half'", "'blocks'")),
        ({"outputs": "all"}, ("outputs='all'", "'mean'")),
        ({"method": "fast"}, ("method='fast'", "'structured'")),
        ({"inputs": (normal(1, 3, 5), normal(2, 4, 2))}, ("(3, 5)", "(4, 2)")),
        ({"inputs": (normal(1, 3, 5),)}, ("x of shape (5,)", "missing 1 required")),
        ({"inputs": (normal(1, 3, 5),) * 3}, ("3 parts",)),
        ({"inputs": jnp.ones(())}, ("one row",)),
        ({"inputs": (normal(1, 3, 6), normal(2, 3, 2))}, ("one x of 5", "(6,)")),
        (
            {"net": eqx.nn.Linear(5, 2, key=KEY), "inputs": normal(1, 3, 6)},
            ("x of shape (6,)", "dot_general"),
        ),
        ({"others": (normal(1, 3, 5), normal(2, 3, 1))}, ("(2,)", "(1,)")),
        ({"form": "diagonal", "others": examples("")}, ("leave them out",)),
        ({"form": "diagonal", "method": "products"}, ("'products'",)),
        ({"form": "blocks", "inputs": (normal(1, 3, 5), normal(2, 3, 2))}, None),
        ({"chunk": 0}, ("chunk=0",)),
        ({"trained": False}, ("none", "trained=")),
        ({"net": 3}, ("int",)),
        ({"net": lambda x, z: (x, z)}, ("none",)),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    given = {"net": described(), "inputs": examples("")} | change
    if words is None:
        # Rows of pairs whose x all differ are blocks of one.
        assert hl.empirical_ntk(**given).shape == (3, 1, 1)
        return
    with refuses(*words):
        hl.empirical_ntk(**given)


def test_a_network_of_two_outputs_is_refused(refuses):
    class Two(eqx.Module):
        weight: jax.Array

        def __call__(self, x):
            return x * self.weight, x

    with refuses("float", "one array"):
        hl.empirical_ntk(Two(jnp.ones(5)), normal(1, 3, 5))
