"""Numbers of a description: found, replaced, and traced in place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.networks import FreeNumber, free_numbers, with_numbers
from hyperlimit.numerics import Positive

NAMES = ("bandwidth", "weight_std", "bias_std")


def network(**change):
    settings = {"depth": 3, "width": 8, "weight_std": 1.5, "bias_std": 0.2} | change
    return hl.mlp(out=1, **settings)


def test_what_there_is():
    features = hl.FourierFeatures(bandwidth=2.0)
    found = free_numbers(network(inputs=features), NAMES)
    assert found == (
        FreeNumber("weight_std", 1.5),
        FreeNumber("bias_std", 0.2),
        FreeNumber("bandwidth", 2.0),
    )
    assert free_numbers(network(bias_std=0.0), NAMES) == found[:1]
    assert free_numbers(network(), ("bandwidth",)) == ()
    drawn = hl.FourierFeatures(bandwidth=2.0, seed=1)
    assert free_numbers(network(inputs=drawn), ("bandwidth",)) == ()


def test_branches_have_theirs():
    inner = hl.Residual((hl.Elementwise("relu"), hl.Dense(8, weight_std=0.7)))
    found = hl.Network((hl.Dense(8), inner, hl.Dense(1)))
    numbers = free_numbers(found, NAMES)
    assert numbers == (FreeNumber("weight_std", 1.0), FreeNumber("weight_std", 0.7))
    moved = with_numbers(found, numbers, [2.0, 3.0])
    assert [moved.layers[i].weight_std for i in (0, 2)] == [2.0, 2.0]
    assert moved.layers[1].branch[1].weight_std == 3.0
    assert with_numbers(moved, free_numbers(moved, NAMES), [1.0, 0.7]) == found
    assert found.layers[0].weight_std == 1.0


def test_slopes_are_differences(tolerance):
    """Through the kernel of a network whose numbers are traced."""
    given = network()
    numbers = free_numbers(given, NAMES)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((4, 3)), float)

    def total(values):
        placed = with_numbers(given, numbers, [Positive(v) for v in values])
        limit = hl.dual_limit(placed)
        prepared = limit.prepare(x)
        return jnp.sum(limit.gram_state(prepared, prepared).ntk)

    def plain(values):
        placed = with_numbers(given, numbers, [float(v) for v in values])
        return float(jnp.sum(hl.dual_limit(placed).ntk(x)))

    values = jnp.asarray([1.5, 0.2], float)
    assert float(total(values)) == pytest.approx(plain(values), rel=100 * tolerance)
    step = 1e-5 if tolerance < 1e-8 else 1e-2
    expected = [
        (plain(np.array([1.5, 0.2]) + s) - plain(np.array([1.5, 0.2]) - s)) / (2 * step)
        for s in step * np.eye(2)
    ]
    np.testing.assert_allclose(
        jax.jit(jax.grad(total))(values), expected, rtol=1e-6 if step < 1e-3 else 1e-2
    )


def test_a_number_without_a_value_is_not_read():
    one = Positive(jnp.ones(()))
    assert one > 0
    assert one > 0
    assert one != 0
    assert one == one
    assert one != Positive(jnp.ones(()))
    for read in (lambda: one > 2, lambda: one < 3, lambda: float(one)):
        with pytest.raises(TypeError):
            read()
