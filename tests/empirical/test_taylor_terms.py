"""Taylor terms against nested forward mode, Hessians, Jacobians and interpolation."""

import math

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl

KEY = jax.random.key(0)


def rows(count, size, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(count, size)))


PAIRS = rows(3, 4, 1), rows(3, 2, 2)


def hypernetwork(activation="relu", meta_depth=2, primary_depth=3, bias=0.3):
    spec = hl.Hypernetwork(
        hl.mlp(depth=meta_depth, width=6, activation=activation, bias_std=bias),
        hl.mlp(
            depth=primary_depth, width=4, activation=activation, bias_std=bias, out=1
        ),
    )
    return hl.init(spec, key=KEY, x=4, z=2)


def modules():
    """Networks of every kind, with inputs for them."""
    classifier = eqx.nn.MLP(2, 2, 5, 1, key=KEY)
    tasks = hl.hypernetize(
        classifier,
        where=lambda m: m.layers[-1],
        meta=hl.mlp(depth=2, width=4),
        embedding=hl.TaskEmbedding(tasks=3, size=2),
        key=KEY,
    )
    return {
        "hypernetwork, relu": (hypernetwork(), PAIRS),
        "network": (hl.init(hl.mlp(depth=4, width=5, out=1), key=KEY, x=2), PAIRS[1]),
        "module of several outputs": (classifier, PAIRS[1]),
        "hypernetized module": (tasks, (jnp.arange(3), PAIRS[1])),
    }


def flat_outputs(net, u):
    """h as a function of all parameters in a row and of the row of u, and w."""
    values, rest = eqx.partition(net, eqx.is_inexact_array)
    flat, unravel = jax.flatten_util.ravel_pytree(values)
    inputs = u if isinstance(u, tuple) else (u,)

    def outputs(w, i):
        return eqx.combine(unravel(w), rest)(*(array[i] for array in inputs))

    return outputs, flat


@pytest.mark.parametrize("name", modules())
def test_terms_are_those_of_nested_forward_mode(name, epsilon):
    net, u = modules()[name]
    found = np.asarray(hl.taylor_terms(net, u, 3))
    outputs, w = flat_outputs(net, u)
    i, j = 1, 2
    jacobian = jax.jacrev(outputs)(w, j)
    assert found.shape == ((3, 3, 3) if len(jacobian) == 1 else (3, 3, 2, 3, 2))
    found = found.reshape(3, 3, len(jacobian), 3, len(jacobian))

    @jax.jit
    def derivatives(direction):
        def along(t):
            return outputs(w + t * direction, i)

        found = []
        for _ in range(3):

            def along(t, lower=along):
                return jax.jvp(lower, (t,), (jnp.ones_like(t),))[1]

            found.append(along(jnp.zeros((), w.dtype)))
        return jnp.stack(found)

    for b, direction in enumerate(jacobian):
        expected = np.asarray(derivatives(direction))
        for r in range(3):
            scale = np.abs(found[r]).max()
            np.testing.assert_allclose(
                found[r, i, :, j, b], expected[r], atol=1e3 * epsilon * scale
            )


def test_the_first_is_the_ntk_and_the_second_a_hessian(epsilon):
    net = hypernetwork("tanh", primary_depth=2)
    outputs, w = flat_outputs(net, PAIRS)
    found = hl.taylor_terms(net, PAIRS, 2)

    @jax.jit
    @jax.vmap
    def derivatives(i):
        def one(w):
            return outputs(w, i)[0]

        return jax.grad(one)(w), jax.hessian(one)(w)

    gradients, hessians = derivatives(jnp.arange(3))
    ntk = gradients @ gradients.T
    second = jnp.einsum("ja,iab,jb->ij", gradients, hessians, gradients)
    for term, expected in zip(found, (ntk, second), strict=True):
        scale = float(jnp.abs(expected).max())
        np.testing.assert_allclose(term, expected, atol=500 * epsilon * scale)


@pytest.mark.float64_only(reason="the interpolation loses what float32 has")
def test_a_linear_hypernetwork_is_a_polynomial_of_known_degree():
    """Interpolated from its values: degree (meta depth) x (primary depth)."""
    net = hypernetwork("identity", meta_depth=2, primary_depth=2, bias=0.0)
    outputs, w = flat_outputs(net, PAIRS)
    found = hl.taylor_terms(net, PAIRS, 6)
    i, j = 0, 2
    direction = jax.jacrev(outputs)(w, j)[0]
    # Chebyshev points of an interval so long that all powers count.
    times = 50 * np.cos(np.pi * (np.arange(5) + 0.5) / 5)
    values = [float(outputs(w + t * direction, i)[0]) for t in times]
    coefficients = np.linalg.solve(np.vander(times, 5, increasing=True), values)
    expected = [math.factorial(r) * coefficients[r] for r in range(1, 5)]
    np.testing.assert_allclose(found[:4, i, j], expected, rtol=1e-9)
    np.testing.assert_array_equal(found[4:, i, j], 0)


def test_at_a_kink_the_first_term_is_still_the_ntk(epsilon):
    """jax.nn.relu at exactly zero, where one-sided derivatives differ."""
    net = eqx.nn.MLP(2, 1, 4, 2, use_bias=False, key=KEY)
    inputs = jnp.array([[0.0, 0.0], [1.0, 2.0]])
    net = eqx.tree_at(lambda n: n.layers[0].weight, net, replace_fn=lambda w: w * 0)
    found = hl.taylor_terms(net, inputs, 3)
    outputs, w = flat_outputs(net, inputs)
    jacobian = jnp.concatenate([jax.jacrev(outputs)(w, i) for i in range(2)])
    np.testing.assert_allclose(found[0], jacobian @ jacobian.T, atol=10 * epsilon)
    assert np.isfinite(found).all()


def test_random_features_are_no_parameters():
    spec = hl.mlp(
        depth=2, width=4, out=1, inputs=hl.FourierFeatures(bandwidth=2.0, count=3)
    )
    net = hl.init(spec, key=KEY, x=2)
    found = hl.taylor_terms(net, PAIRS[1], 1)
    trained, fixed = net.values, net.fixed
    assert fixed is not None

    def outputs(values, row):
        return eqx.tree_at(lambda n: n.values, net, values)(row)[0]

    gradients = jax.vmap(jax.grad(outputs), (None, 0))(trained, PAIRS[1])
    flat = jnp.concatenate([a.reshape(3, -1) for a in jax.tree.leaves(gradients)], 1)
    np.testing.assert_allclose(found[0], flat @ flat.T, rtol=1e-5)


def test_terms_go_through_transformations(epsilon):
    net = hl.init(hl.mlp(depth=2, width=3, out=1), key=KEY, x=2)

    def summed(scale):
        scaled = jax.tree.map(lambda a: scale * a, net)
        return jnp.sum(hl.taylor_terms(scaled, PAIRS[1], 2)[1])

    # Every gradient is linear in the scale s, and so are v' H v: s, s^2 and no H.
    one, two = jax.jit(jax.vmap(summed))(jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(two, 4 * one, rtol=100 * epsilon)
    slope = jax.grad(summed)(jnp.ones(()))
    np.testing.assert_allclose(slope, 2 * one, rtol=1e3 * epsilon)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"order": 0}, "order=0"),
        ({"order": 7}, "from 1 to 6"),
        ({"order": 2.0}, "order=2.0"),
        ({"u": PAIRS[0]}, "reads pairs"),
        ({"u": (PAIRS[0], PAIRS[1][:2])}, "3 and 2 rows"),
        ({"u": (jnp.ones(()), jnp.ones(()))}, "one row an example"),
        ({"net": jnp.sin}, "no floating arrays"),
        (
            {
                "net": hl.init(
                    hl.Hypernetwork(
                        hl.mlp(depth=2, width=4), hl.mlp(depth=2, width=4, out=1)
                    ),
                    key=KEY,
                )
            },
            "give x and z to init",
        ),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    given = {"net": hypernetwork(), "u": PAIRS, "order": 2} | change
    with refuses(words):
        hl.taylor_terms(**given)
