"""Finite networks: the calls a user makes, and their agreement with the limit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl

KEY = jax.random.key(0)


def small(**primary):
    settings = {"depth": 3, "width": 8, "out": 2} | primary
    return hl.Hypernetwork(meta=hl.mlp(depth=3, width=16), primary=hl.mlp(**settings))


def inputs(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def test_an_unshaped_network_is_the_shaped_one_of_its_key():
    x, z = inputs(1, 5), inputs(2, 2)
    lazy, shaped = hl.init(small(), key=KEY), hl.init(small(), key=KEY, x=x, z=2)
    np.testing.assert_array_equal(lazy(x, z), shaped(x, z))
    np.testing.assert_array_equal(lazy.primary(x)(z), shaped.primary(x)(z))
    np.testing.assert_array_equal(
        lazy.batch(x[None], z[None]), shaped.batch(x[None], z[None])
    )


def test_calling_is_generating_then_calling_the_primary():
    net = hl.init(small(bias_std=0.5), key=KEY, x=5, z=2)
    x, z = inputs(1, 5), inputs(2, 2)
    primary = net.primary(x)
    assert isinstance(primary, hl.finite.FiniteNetwork)
    np.testing.assert_array_equal(net(x, z), primary(z))
    shapes = [{k: v.shape for k, v in layer.items()} for layer in net.generated(x)]
    assert shapes[0] == {"weight": (8, 2), "bias": (8,)}
    assert shapes[4] == {"weight": (2, 8), "bias": (2,)}


def test_a_batch_is_every_pair(epsilon):
    net = hl.init(small(), key=KEY, x=5, z=2)
    x, z = inputs(1, 3, 5), inputs(2, 3, 7, 2)
    expected = jax.vmap(lambda a, b: jax.vmap(lambda c: net(a, c))(b))(x, z)
    # Sums are taken in another order, and outputs may cancel.
    close = {"rtol": 0, "atol": 50 * epsilon * float(jnp.abs(expected).max())}
    np.testing.assert_allclose(net.batch(x, z), expected, **close)
    np.testing.assert_allclose(net.batch(x, z[0])[0], expected[0], **close)
    for chunk in (1, 2, 3, 5):
        np.testing.assert_allclose(net.batch(x, z, chunk), expected, **close)


def test_a_batch_generates_each_primary_once():
    net = hl.init(small(), key=KEY, x=5, z=2)
    total = sum(p.size for p in net.spec.generated_parameters(2))

    def shapes(points):
        jaxpr = jax.make_jaxpr(lambda x, z: net.batch(x, z))(
            inputs(1, 3, 5), inputs(2, 3, points, 2)
        )
        (batch,) = jaxpr.eqns
        inside = batch.params["jaxpr"].eqns
        found = [v.aval.shape for e in inside for v in e.outvars]
        return [shape for shape in found if total in shape and 16 not in shape]

    # However many the points, f's output is computed for the 3 x and nothing else.
    assert shapes(50)
    assert shapes(50) == shapes(1)
    assert set(shapes(50)) <= {(3, total), (total, 3)}


def test_parametrisations_agree_at_birth():
    spec = small(bias_std=0.3, weights_generated=[True, False, True])
    x, z = inputs(1, 5), inputs(2, 2)
    one, two = (
        hl.init(spec, key=KEY, x=5, z=2, parametrisation=name)(x, z)
        for name in ("ntk", "standard")
    )
    np.testing.assert_allclose(one, two, rtol=1e-5)


def test_parametrisations_differ_in_what_is_stored():
    spec = hl.mlp(depth=2, width=400, out=1)
    ntk = hl.init(spec, key=KEY, x=100)
    standard = hl.init(spec, key=KEY, x=100, parametrisation="standard")
    assert float(ntk.values[0]["weight"].std()) == pytest.approx(1, rel=0.02)
    assert float(standard.values[0]["weight"].std()) == pytest.approx(0.1, rel=0.02)
    assert float(standard.values[2]["weight"].std()) == pytest.approx(0.05, rel=0.1)


def test_own_layers_are_shared_and_trained():
    spec = small(weights_generated=[False, True, True])
    net = hl.init(spec, key=KEY, x=5, z=2)
    one, two = net.primary(inputs(1, 5)), net.primary(inputs(3, 5))
    np.testing.assert_array_equal(one.values[0]["weight"], two.values[0]["weight"])
    assert not np.array_equal(one.values[2]["weight"], two.values[2]["weight"])
    gradient = eqx.filter_grad(lambda n: jnp.sum(n(inputs(1, 5), inputs(2, 2))))(net)
    assert float(jnp.abs(gradient.own[0]["weight"]).max()) > 0
    assert float(jnp.abs(gradient.meta.values[0]["weight"]).max()) > 0


def test_fourier_frequencies_are_not_trained():
    spec = small(inputs=hl.FourierFeatures(bandwidth=1.0, count=4))
    net = hl.init(spec, key=KEY, x=5, z=2)
    gradient = eqx.filter_grad(lambda n: jnp.sum(n(inputs(1, 5), inputs(2, 2))))(net)
    assert float(jnp.abs(gradient.fixed).max()) == 0


def test_saved_and_read_back(tmp_path):
    net = hl.init(small(), key=KEY, x=5, z=2)
    other = hl.init(small(), key=jax.random.key(1), x=5, z=2)
    eqx.tree_serialise_leaves(tmp_path / "net.eqx", net)
    back = eqx.tree_deserialise_leaves(tmp_path / "net.eqx", other)
    x, z = inputs(1, 5), inputs(2, 2)
    np.testing.assert_array_equal(eqx.filter_jit(back)(x, z), eqx.filter_jit(net)(x, z))


def empirical_kernels(spec, key, u, v):
    """The NTK and the mean product of the outputs, for one net and one pair."""
    net = hl.init(spec, key=key, x=u[0], z=u[1])
    parameters, rest = eqx.partition(net, eqx.is_inexact_array)

    def gradient(x, z):
        return jax.grad(lambda p: jnp.mean(eqx.combine(p, rest)(x, z)))(parameters)

    one, two = gradient(*u), gradient(*v)
    outputs = spec.primary.layers[-1].width
    ntk = sum(
        jnp.vdot(a, b)
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    )
    return ntk * outputs, jnp.mean(net(*u) * net(*v))


def test_empirical_kernels_approach_the_limit_as_both_widths_grow():
    u = inputs(1, 6), inputs(2, 3)
    v = u[0] + 0.5 * inputs(3, 6), u[1] + 0.5 * inputs(4, 3)
    errors = []
    for n, m, seeds in ((16, 8, 200), (64, 32, 100), (256, 128, 40)):
        spec = hl.Hypernetwork(
            meta=hl.mlp(depth=2, width=n), primary=hl.mlp(depth=2, width=m, out=1)
        )
        limit = hl.dual_limit(spec)
        exact = float(
            limit.ntk((u[0][None], u[1][None]), (v[0][None], v[1][None]))[0, 0]
        )
        sample = jax.jit(jax.vmap(lambda k, s=spec: empirical_kernels(s, k, u, v)[0]))
        found = np.asarray(sample(jax.random.split(KEY, seeds)))
        errors.append(float(np.sqrt(np.mean((found / exact - 1) ** 2))))
        # The mean is right at every width that a seed average resolves.
        if n == 256:
            assert abs(found.mean() / exact - 1) < 4 * found.std() / exact / seeds**0.5
    # Root-mean-square deviations fall like the inverse root of the widths: by two.
    assert errors[1] < 0.7 * errors[0]
    assert errors[2] < 0.7 * errors[1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hl.init(small(), key=KEY, x=5), "z"),
        (lambda: hl.init(small(), key=KEY, x=0, z=2), "example"),
        (lambda: hl.init(hl.mlp(depth=2, width=3, out=1), key=KEY), "input size"),
        (lambda: hl.init(small(), key=KEY, x=5, z=2, parametrisation="x"), "ntk"),
        (lambda: hl.init("spec", key=KEY), "Hypernetwork"),
        (lambda: hl.init(small(), key=KEY, x=5, z=2)(jnp.ones(4), jnp.ones(2)), "(4,)"),
        (lambda: hl.init(small(), key=KEY, x=5, z=2)(jnp.ones(5), jnp.ones(3)), "(3,)"),
        (lambda: hl.init(small(in_size=3), key=KEY, x=5, z=2), "in_size=3"),
        (
            lambda: hl.init(small(), key=KEY, x=5, z=2).batch(
                jnp.ones((2, 5)), jnp.ones((3, 4, 2))
            ),
            "batch",
        ),
    ],
)
def test_wrong_input_is_one_sentence(call, words, unchecked_types):
    with pytest.raises(hl.InputError) as caught:
        call()
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
