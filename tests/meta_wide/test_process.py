"""The initial weights: their law, what equal inputs get, and what new ones do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from specs import ERF, META, OWN, SPEC, batch, normal, problem

import hyperlimit as hl

KEY = jax.random.key(0)
IMAGES = hl.Network(
    (
        hl.Convolution(4),
        hl.Elementwise("relu"),
        hl.Flatten(),
        hl.Dense(None, bias_std=0.2),
    ),
    hl.Images(),
)
FILM = hl.Network(
    (hl.Dense(3), hl.Elementwise("relu"), hl.FiLM(), hl.LowRank(2, rank=1)),
)
SPECS = {
    "a layer of its own": OWN,
    "own weights, generated biases, features of z": hl.Hypernetwork(
        META,
        hl.mlp(
            depth=2,
            width=3,
            bias_std=1.0,
            out=1,
            inputs=hl.FourierFeatures(bandwidth=1.0, count=2),
            weights_generated=False,
            biases_generated=True,
        ),
    ),
    "FiLM and low rank": hl.Hypernetwork(META, FILM),
    "images": hl.Hypernetwork(IMAGES, ERF),
}


def inputs(name, rows=4):
    return normal(3, rows, 4, 4, 2) if name == "images" else normal(3, rows, 4)


def test_the_joint_law_of_given_and_new_weights():
    """Over keys, all entries of V_0 at x and, drawn after them, at new x."""
    (x, z, _), new, count = problem(), normal(4, 2, 4), 4000
    x = x[:3]
    limit = hl.meta_wide_limit(hl.Hypernetwork(META, hl.mlp(depth=1, width=1, out=1)))

    def draw(key):
        one, two = jax.random.split(key)
        net = limit.init(x, key=one, z=z)
        return jnp.concatenate([net.weights, net.at(new, key=two).weights])

    drawn = jax.jit(jax.vmap(draw))(jax.random.split(KEY, count))
    drawn = np.asarray(drawn, np.float64).reshape(count, -1)
    kernel = np.asarray(hl.dual_limit(META).nngp(jnp.concatenate([x, new])), np.float64)
    expected = np.kron(kernel, np.eye(2))
    found = drawn.T @ drawn / count
    # Isserlis: the variance of a product of two centred Gaussians.
    spread = np.outer(np.diag(expected), np.diag(expected)) + expected**2
    errors = ((found - expected) / np.sqrt(spread / count))[np.triu_indices(10)]
    assert np.abs(errors).max() < 4.5
    assert np.mean(errors**2) < 1.6
    means = drawn.mean(axis=0) / np.sqrt(np.diag(expected) / count)
    assert np.abs(means).max() < 4


@pytest.mark.parametrize("name", SPECS)
def test_every_description_is_read_trained_and_extended(name, epsilon):
    x, z = inputs(name), normal(1, 5, 2)
    # The last row is the first again.
    x = jnp.concatenate([x, x[:1]])
    limit = hl.meta_wide_limit(SPECS[name])
    net = limit.init(x, key=KEY, z=z)
    np.testing.assert_array_equal(net.weights[-1], net.weights[0])
    # With the weights of a finite network it is that network.
    finite = hl.init(SPECS[name], key=KEY, x=x, z=z)
    same = eqx.tree_at(
        lambda n: (n.initial, n.own),
        net,
        (jax.vmap(finite.meta)(x), finite.own),
    )
    if net.fixed is not None:
        same = eqx.tree_at(lambda n: n.fixed, same, finite.fixed)
    close = {"rtol": 0, "atol": 100 * epsilon}
    np.testing.assert_allclose(
        batch(same, z), eqx.filter_jit(finite.batch)(x, z), **close
    )
    # Training does not know the order of x, and equal x stay equal.
    y, order = (
        jnp.ones((5, 5, SPECS[name].primary.out_size(2))),
        jnp.array([3, 1, 4, 0, 2]),
    )
    turned = eqx.tree_at(
        lambda n: (n.x, n.initial, n.ntk),
        net,
        (net.x[order], net.initial[order], net.ntk[order][:, order]),
    )
    optimiser = optax.sgd(0.02, 0.9)
    trained, losses = net.train(z, y, optimiser=optimiser, steps=12)
    other, _ = turned.train(z, y, optimiser=optimiser, steps=12)
    assert losses[-1] < 0.9 * losses[0]
    loose = {"rtol": 0, "atol": 1e4 * epsilon}
    np.testing.assert_allclose(other.weights, trained.weights[order], **loose)
    np.testing.assert_allclose(trained.weights[-1], trained.weights[0], **loose)
    # The same network at its own x, among others.
    more = jnp.concatenate([x[2:3] + 1, x])
    read = trained.at(more, key=jax.random.key(5))
    np.testing.assert_allclose(read.weights[1:], trained.weights, **loose)
    np.testing.assert_allclose(batch(read, z)[1:], batch(trained, z), **loose)
    assert float(jnp.abs(read.weights[0] - trained.weights[2]).max()) > 1e-3


def test_new_weights_are_regression_on_both_kernels(epsilon):
    x, z, y = problem()
    net = hl.meta_wide_limit(SPEC).init(x, key=KEY, z=z)
    net, _ = net.train(z, y, optimiser=optax.sgd(0.5), steps=5)
    new = normal(6, 3, 4)
    gaussian, tangent = (
        np.asarray(k, np.float64)
        for k in hl.dual_limit(META).kernels(jnp.concatenate([x, new]))
    )
    n = len(x)
    mean = gaussian[n:, :n] @ np.linalg.solve(gaussian[:n, :n], net.initial)
    expected = mean + tangent[n:, :n] @ np.asarray(net.coefficients)
    found = net.at(new, key=None)
    np.testing.assert_allclose(found.weights, expected, atol=1e5 * epsilon)
    # Draws scatter around it as the Schur complement says.
    keys = jax.random.split(KEY, 1000)
    drawn = np.asarray(jax.vmap(lambda key: net.at(new, key=key).weights)(keys))
    left = gaussian[n:, n:] - gaussian[n:, :n] @ np.linalg.solve(
        gaussian[:n, :n], gaussian[:n, n:]
    )
    errors = (drawn.mean(axis=0) - expected) / np.sqrt(np.diag(left)[:, None] / 1000)
    assert np.abs(errors).max() < 4.5
    ratio = drawn.var(axis=0).mean(axis=1) / np.diag(left)
    assert np.abs(ratio - 1).max() < 4.5 * (2 / 1000 / drawn.shape[2]) ** 0.5


def test_singular_kernels_and_near_duplicates():
    """More rows than a linear f has rank; nothing is NaN, near rows stay near."""
    linear = hl.mlp(depth=1, width=8)
    x = normal(0, 7, 2)
    x = jnp.concatenate([x, x[:2] * (1 + 1e-6)])
    limit = hl.meta_wide_limit(hl.Hypernetwork(linear, ERF))
    net = limit.init(x, key=KEY, z=2)
    assert np.isfinite(net.weights).all()
    close = 0.02 if x.dtype == jnp.float32 else 1e-4
    np.testing.assert_allclose(net.weights[7:], net.weights[:2], atol=close)
    # The weights are linear in x, as those of a linear f.
    new = normal(8, 3, 2)
    linear_map = jnp.linalg.lstsq(x, net.weights)[0]
    for key in (None, KEY):
        found = net.at(new, key=key).weights
        np.testing.assert_allclose(found, new @ linear_map, atol=10 * close)


def test_wrong_input_is_one_sentence(refuses, unchecked_types):
    x, z, _ = problem()
    with refuses("meta_wide_limit was given a Network"):
        hl.meta_wide_limit(META)
    early = hl.Network((hl.Elementwise("relu"), hl.Dense(None)))
    with refuses("layer 0, Elementwise"):
        hl.meta_wide_limit(hl.Hypernetwork(early, ERF))
    open_end = hl.Network((hl.Dense(4), hl.Elementwise("relu")))
    with refuses("the last layer is Elementwise"):
        hl.meta_wide_limit(hl.Hypernetwork(open_end, ERF))
    limit = hl.meta_wide_limit(SPEC)
    with refuses("the size of z is not known"):
        limit.init(x, key=KEY)
    with refuses("key=None is not a random key"):
        limit.init(x, key=None, z=z)
    with refuses("x holds one number that is not finite", "(1, 2)"):
        limit.init(x.at[1, 2].set(jnp.nan), key=KEY, z=z)
    with refuses("x has shape (4,)"):
        limit.init(x[0], key=KEY, z=z)
    with refuses("x has shape (0, 4), no rows"):
        limit.init(x[:0], key=KEY, z=z)
    net = limit.init(x, key=KEY, z=z)
    with refuses("row 6 was asked for"):
        net.primary(6)
    with refuses("z of shape (5, 5, 2) was given for 6 rows"):
        net.batch(normal(1, 5, 5, 2))
    with refuses("rows of 3 numbers have no kernel with rows of 4 numbers"):
        net.at(normal(1, 2, 3), key=KEY)
