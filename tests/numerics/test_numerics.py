"""Bounds, roots and ratios: values at their edges, and gradients there and within."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.numerics import clipped, safe_hypot, safe_ratio, safe_sqrt


def test_clipped_is_the_identity_within_its_bounds():
    values = jnp.array([-1.0, 0.0, 0.5, 2.0, 3.0, jnp.inf, jnp.nan])
    np.testing.assert_array_equal(clipped(values, 0, 2), np.clip(values, 0, 2))
    np.testing.assert_array_equal(clipped(values, low=0), np.maximum(values, 0))
    np.testing.assert_array_equal(clipped(values, high=2), np.minimum(values, 2))
    np.testing.assert_array_equal(clipped(jnp.arange(5), 1, 3), [1, 1, 2, 3, 3])
    slopes = jax.vmap(jax.grad(lambda x: clipped(x, 0, 2)))(values[:5])
    np.testing.assert_array_equal(slopes, [0, 1, 1, 1, 0])


def test_a_hypotenuse_of_any_size(epsilon):
    info = np.finfo(jnp.zeros(()).dtype)
    for unit in (1.0, float(info.max) / 8, float(info.tiny) * 8):
        found = safe_hypot(jnp.array([3 * unit, unit, 0]), jnp.array([4 * unit, 0, 0]))
        np.testing.assert_allclose(found, [5 * unit, unit, 0], rtol=2 * epsilon)


@pytest.mark.parametrize("pair", [(3.0, 4.0), (4.0, 3.0), (2.0, 2.0), (5.0, 0.0)])
def test_the_gradient_of_a_hypotenuse(pair, epsilon):
    slopes = jax.grad(safe_hypot, (0, 1))(*(jnp.asarray(side) for side in pair))
    length = np.hypot(*pair)
    np.testing.assert_allclose(slopes, np.array(pair) / length, atol=4 * epsilon)
    assert jax.grad(safe_hypot)(jnp.zeros(()), 0.0) == 0


def test_roots_and_ratios_have_finite_gradients_at_zero():
    zero = jnp.zeros(())
    assert jax.value_and_grad(safe_sqrt)(zero) == (0, 0)
    value, slopes = jax.value_and_grad(safe_ratio, (0, 1))(zero, zero)
    assert (value, *slopes) == (0, 0, 0)
    assert np.isnan(safe_sqrt(zero * jnp.nan))
    assert np.isnan(safe_ratio(zero, zero * jnp.nan))
