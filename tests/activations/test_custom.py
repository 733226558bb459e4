"""Functions of the user's: the documented bound, and what cannot be used."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.activations import (
    ACTIVATIONS,
    Custom,
    GaussianPair,
    LeakyReLU,
    ReLU,
    activation,
    diagonal_pair,
)
from hyperlimit.errors import InputError

DEGREE = 64


def _relu_coefficients(degree: int) -> np.ndarray:
    """a_n = E relu(g) h_n(g): by parts, a_n^2 n (n - 1) = (h_{n-2}(0) density(0))^2."""
    at_zero = np.zeros(degree)
    at_zero[0] = 1
    for n in range(2, degree):
        at_zero[n] = -np.sqrt((n - 1) / n) * at_zero[n - 2]
    order = np.arange(2, degree)
    density = 1 / np.sqrt(2 * np.pi)
    tail = density * at_zero[:-2] / np.sqrt(order * (order - 1))
    return np.concatenate([[density, 0.5], tail])


def test_a_kink_errs_by_no_more_than_is_documented(tolerance):
    """By 2 |rho|^degree times what the kept terms leave, for both duals."""
    kept = _relu_coefficients(DEGREE + 1)
    left = 0.5 - (kept[:DEGREE] ** 2).sum()
    # Coefficient n - 1 of the slope is sqrt(n) times coefficient n of the function.
    slope_left = 0.5 - (np.arange(DEGREE + 1) * kept**2).sum()
    # The expansion is a real test: this much is missing at correlation one.
    assert left > 5e-5
    assert slope_left > 0.01
    rho = jnp.linspace(-1, 1, 201)
    one = jnp.ones_like(rho)
    pair = GaussianPair(one, one, 1 - rho)
    custom, exact = Custom(jax.nn.relu, DEGREE), ReLU()
    # Twice: what is left out and what stands for it may have opposite signs.
    decay = 2 * np.abs(rho) ** DEGREE
    error = np.abs(custom.dual(pair) - exact.dual(pair))
    assert (error <= left * decay + tolerance).all()
    error = np.abs(custom.derivative_dual(pair) - exact.derivative_dual(pair))
    assert (error <= slope_left * decay + tolerance).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_custom_copy_has_the_same_duals(name, tolerance):
    """At correlations where 64 terms are enough for any of them."""
    registered = ACTIVATIONS[name]
    custom = Custom(registered.__call__)
    pair = GaussianPair(
        jnp.array([0.5, 0.9, 1.0]),
        jnp.array([1.2, 0.9, 0.4]),
        jnp.array([0.5, 1.4, 1.0]),
    )
    for one, other in (
        (custom.dual(pair), registered.dual(pair)),
        (custom.derivative_dual(pair), registered.derivative_dual(pair)),
    ):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_the_diagonal_is_exact_at_any_degree(tolerance):
    pair = diagonal_pair(jnp.array([0.3, 1.0, 2.5]))
    for degree in (4, 9, 64):
        custom = Custom(jax.nn.relu, degree)
        np.testing.assert_allclose(custom.dual(pair), ReLU().dual(pair), rtol=tolerance)
        np.testing.assert_allclose(custom.derivative_dual(pair), 0.5, rtol=tolerance)


def test_a_leaky_relu_is_a_sum_of_relu_and_identity(tolerance):
    pair = GaussianPair(jnp.array(1.3), jnp.array(0.4), jnp.array(1.7))
    slope = 0.25
    found = LeakyReLU(slope).dual(pair)
    # phi = (1 - a) relu + a id, and E relu(u) v is half the covariance.
    expected = (1 - slope) ** 2 * ReLU().dual(pair) + slope * pair.covariance
    np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_choices():
    assert activation("relu") == ReLU()
    assert activation(LeakyReLU(0.3)) == LeakyReLU(0.3)
    assert activation(jnp.tanh) == Custom(jnp.tanh)
    assert hash(activation(jnp.tanh)) == hash(Custom(jnp.tanh))


@pytest.mark.parametrize("choice", ["rleu", 3, None])
def test_unknown_choices_are_refused(choice, unchecked_types):
    with pytest.raises(InputError, match=r"is not known: give one of relu, leaky_relu"):
        activation(choice)
