"""Taylor mode against nested forward mode, a peer, and series known by heart."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.jet import jet

from hyperlimit.empirical._taylor_series import taylor_series


def nested(function, point, direction, order):
    """Derivatives along the line from the 0th on, one forward mode in another."""

    def along(t):
        moved = [
            p + t.astype(p.dtype) * d for p, d in zip(point, direction, strict=True)
        ]
        return function(moved)

    found = [along]
    for _ in range(order):

        def higher(t, lower=found[-1]):
            return jax.jvp(lower, (t,), (jnp.ones_like(t),))[1]

        found.append(higher)
    return jnp.stack([f(jnp.zeros(())) for f in found])


def loop(x):
    return jax.lax.scan(lambda c, row: (jnp.sin(c + row), None), x[0], x)[0]


def branch(x):
    return jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x[1]) * x[0]


def indexed(x):
    moved = jnp.zeros_like(x).at[jnp.array([1, 1])].add(x[:2] * x[1:])
    return moved[jnp.array([1, 0])] + jax.lax.dynamic_slice(x**3, (1,), (2,))


FUNCTIONS = {
    "relu": jax.nn.relu,
    "softplus": jax.nn.softplus,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "tanh": jnp.tanh,
    "tan": jnp.tan,
    "products": lambda x: jnp.outer(x, jnp.cumsum(x)) @ x,
    "ratio": lambda x: x / (2 + x**2) - x / 3,
    "selected": lambda x: jnp.where(x > 0, x * x, -x) + jnp.max(x),
    "sorted": lambda x: jnp.sort(x**2),
    "loop": loop,
    "branch": branch,
    "indexed": indexed,
    "kept": jax.checkpoint(lambda x: jnp.sin(x) * x),
    "compiled": jax.jit(lambda x: jnp.concatenate([x[::-1], x * x])),
    "stopped": lambda x: x * jax.lax.stop_gradient(x) + jnp.sign(x) * x,
    "parts": lambda x: jnp.stack(jnp.split(jnp.pad(x**2, (0, 1)), 2)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operations_are_those_of_nested_forward_mode(name, epsilon):
    function, order = FUNCTIONS[name], 3
    direction = [jnp.array([0.7, -1.2, 0.4])]
    # At the origin every kink of the list is met, and decided as forward mode does.
    for point in ([jnp.array([0.3, -0.8, 1.1])], [jnp.zeros(3)]):
        found = taylor_series(lambda w: function(w[0]), point, direction, order)
        expected = nested(lambda w: function(w[0]), point, direction, order)
        factorials = np.array([math.factorial(k) for k in range(order + 1)])
        expected = np.asarray(expected) / factorials.reshape(
            -1, *(1,) * (found.ndim - 1)
        )
        np.testing.assert_allclose(found, expected, atol=200 * epsilon)


def test_series_known_by_heart(tolerance):
    def coefficients(function, order=6):
        return taylor_series(function, jnp.zeros(()), jnp.ones(()), order)

    inverse = [1 / math.factorial(k) for k in range(7)]
    np.testing.assert_allclose(coefficients(jnp.exp), inverse, atol=tolerance)
    ones = coefficients(lambda t: 1 / (1 - t))
    np.testing.assert_allclose(ones, np.ones(7), atol=tolerance)
    fibonacci = coefficients(lambda t: t / (1 - t - t**2))
    np.testing.assert_allclose(fibonacci, [0, 1, 1, 2, 3, 5, 8], atol=30 * tolerance)


def test_a_polynomial_ends(epsilon):
    point, direction = jnp.array([1.0, 2.0]), jnp.array([3.0, -1.0])
    found = taylor_series(jnp.prod, point, direction, 2)
    np.testing.assert_allclose(found, [2, 5, -3], rtol=10 * epsilon)
    products = taylor_series(lambda w: w[0] * w[1], point, direction, 6)
    np.testing.assert_array_equal(products, [2, 5, -3, 0, 0, 0, 0])


def network(depth, width=3):
    keys = jax.random.split(jax.random.key(0), 2 * depth).reshape(2, depth)
    weights, directions = (
        [jax.random.normal(key, (width, width)) / 2 for key in row] for row in keys
    )

    def evaluate(weights, phi=lambda y: jnp.where(y > 0, y, 0)):
        outputs = jnp.arange(1.0, width + 1)
        for weight in weights:
            outputs = phi(weight @ outputs)
        return outputs

    return evaluate, weights, directions


def test_a_peer_agrees(tolerance):
    """JAX's own Taylor mode, where it has the rules."""
    evaluate, weights, directions = network(3)

    def smooth(weights):
        return evaluate(weights, jnp.sin)

    found = taylor_series(smooth, weights, directions, 5)
    series = [[d, *[jnp.zeros_like(d)] * 4] for d in directions]
    value, terms = jet(
        lambda *w: smooth(list(w)), weights, series, factorial_scaled=False
    )
    np.testing.assert_allclose(found[0], value, atol=tolerance)
    np.testing.assert_allclose(found[1:], jnp.stack(terms), atol=100 * tolerance)


def matrix_products(depth, order):
    evaluate, weights, directions = network(depth)
    program = jax.make_jaxpr(lambda w, d: taylor_series(evaluate, w, d, order))
    return str(program(weights, directions)).count("dot_general")


def test_the_cost_is_linear_in_the_order():
    """Products of matrices with vectors, counted in the program."""
    depth, orders = 9, range(1, 7)
    counts = [matrix_products(depth, order) for order in orders]
    # Layer l reads a polynomial of degree l - 1, and its weights are one of degree 1.
    expected = [
        sum(min(below, order) + 1 + min(below, order - 1) + 1 for below in range(depth))
        for order in orders
    ]
    assert counts == expected
    assert all(
        count <= depth * (2 * order + 1)
        for count, order in zip(counts, orders, strict=True)
    )


def test_reverse_mode_alone_is_refused(refuses):
    @jax.custom_vjp
    def function(x):
        return x * x

    function.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
    with refuses("jax.custom_vjp"):
        taylor_series(function, jnp.ones(2), jnp.ones(2), 2)
