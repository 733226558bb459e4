"""tanh, softplus and swish: the accuracies that their documentation states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.activations import (
    GaussianPair,
    Softplus,
    Swish,
    Tanh,
    diagonal_pair,
    gaussian_rule,
)

pytestmark = pytest.mark.float64_only(reason="errors below what it resolves")

GAPS = (1e-6, 1e-3, 1e-2, 0.1, 0.3, 1.0, 1.7, 1.97, 1.997, 2 - 1e-6)
STATED = (
    (Tanh(), 0.4, 1e-12),
    (Tanh(), 1.4, 1e-12),
    (Tanh(), 2.0, 3e-9),
    (Tanh(), 3.0, 3e-6),
    (Softplus(), 2.2, 1e-12),
    (Softplus(), 3.0, 1e-9),
    (Softplus(), 5.0, 1e-5),
    (Swish(), 2.0, 1e-12),
    (Swish(), 3.0, 2e-7),
    (Swish(), 5.0, 1e-3),
)


def _map_and_slope(activation, z):
    z = jnp.asarray(z, float)
    both = jax.jvp(activation, (z,), (jnp.ones_like(z),))
    return [np.asarray(part, np.float64) for part in both]


@pytest.mark.parametrize(("activation", "std", "bound"), STATED)
def test_off_the_diagonal(activation, std, bound, tolerance):
    """Against a product rule over the plane, in units of the diagonal."""
    nodes, weights = gaussian_rule(halvings=0)
    deviation = jnp.array(std)
    unit = [
        float(dual(diagonal_pair(deviation)))
        for dual in (activation.dual, activation.derivative_dual)
    ]
    outer = _map_and_slope(activation, std * nodes)
    for gap in map(float, jnp.array(GAPS)):
        noise = np.sqrt(gap * (2 - gap))
        plane = std * ((1 - gap) * nodes[:, None] + noise * nodes)
        pair = GaussianPair(deviation, deviation, jnp.array(gap))
        found = activation.dual(pair), activation.derivative_dual(pair)
        inner = _map_and_slope(activation, plane)
        for value, left, right, size in zip(found, outer, inner, unit, strict=True):
            exact = (weights * left) @ (right @ weights)
            assert abs(float(value) - exact) < max(bound, tolerance) * size


@pytest.mark.parametrize("activation", [Tanh(), Softplus(), Swish()])
@pytest.mark.parametrize("std", [1e-6, 1e-2, 1.0, 30.0, 1e4])
def test_on_the_diagonal(activation, std, tolerance):
    """Against the trapezoidal rule in a variable that crowds at zero."""
    t = np.linspace(-60, 3, 40_001)
    nodes = np.exp(t)
    weights = 63 / 40_000 * nodes * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    halves = [_map_and_slope(activation, side * std * nodes) for side in (-1, 1)]
    values, slopes = (
        sum(weights @ half[which] ** 2 for half in halves) for which in (0, 1)
    )
    pair = diagonal_pair(jnp.array(std))
    for found, exact in (
        (activation.dual(pair), values),
        (activation.derivative_dual(pair), slopes),
    ):
        np.testing.assert_allclose(found, exact, rtol=tolerance)
