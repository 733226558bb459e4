"""Gradients of kernels with respect to their inputs."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Literal

import hyperlimit as hl
from hyperlimit.activations import ACTIVATIONS

RELU = hl.Elementwise(hl.activations.ReLU())
POOLED = hl.Network(
    (
        hl.Convolution(4, bias_std=0.3),
        RELU,
        hl.Residual((hl.Convolution(4),)),
        hl.AveragePool(2),
        hl.GlobalAveragePool(),
        hl.LayerNorm(centre=False),
        hl.Dense(None),
    ),
    hl.Images(),
)
FLAT = hl.Network(
    (hl.Convolution(4, stride=2), RELU, hl.Flatten(), hl.Dense(None)), hl.Images()
)
NETWORKS = {"pooled": POOLED, "flat": FLAT} | {
    name: hl.mlp(depth=2, width=4, activation=name, bias_std=0.2)
    for name in ACTIVATIONS
}


def limit_of(name):
    kind = name if name in ACTIVATIONS else "relu"
    coordinates = hl.FourierFeatures(bandwidth=1.0)
    primary = hl.mlp(
        depth=2, width=4, activation=kind, bias_std=0.2, out=1, inputs=coordinates
    )
    return hl.dual_limit(hl.Hypernetwork(NETWORKS[name], primary))


def inputs_for(name, seed=6):
    rng = np.random.default_rng(seed)
    shape = (3, 9) if name in ACTIVATIONS else (3, 4, 4, 2)
    return tuple(jnp.asarray(rng.standard_normal(s)) for s in (shape, (3, 2)))


def equations(jaxpr) -> Iterator:
    """All equations, also those of functions inside."""
    for equation in jaxpr.eqns:
        yield equation
        for value in jax.tree.leaves(
            tuple(equation.params.values()),
            is_leaf=lambda v: hasattr(v, "jaxpr") or hasattr(v, "eqns"),
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def comparisons(function, *inputs) -> list:
    """Where the derivative asks whether two computed floating-point numbers agree."""
    derivative = jax.make_jaxpr(lambda *a: jax.jvp(function, a, a)[1])(*inputs)
    return [
        equation.source_info
        for equation in equations(derivative.jaxpr)
        if equation.primitive.name in ("eq", "ne")
        and jnp.issubdtype(equation.invars[0].aval.dtype, jnp.floating)
        and not any(isinstance(variable, Literal) for variable in equation.invars)
        and equation.invars[0] is not equation.invars[1]
    ]


def test_comparisons_are_found():
    assert comparisons(jax.jit(lambda x: jnp.minimum(2 * x, x**2)), jnp.ones(3))


@pytest.mark.float64_only(reason="the same derivative")
@pytest.mark.parametrize("name", NETWORKS)
def test_no_gradient_hangs_on_two_computed_numbers_being_equal(name):
    """A compiler may compute one of them twice, and round it in two ways."""
    assert comparisons(limit_of(name).ntk, inputs_for(name)) == []


@pytest.mark.float64_only(reason="central differences of step 1e-5")
@pytest.mark.parametrize("name", ["pooled", "flat", "relu", "erf"])
def test_gradients_are_differences(name):
    """Away from duplicates, where the kernels are smooth."""
    limit, at, along = limit_of(name), inputs_for(name), inputs_for(name, seed=7)

    @jax.jit
    def moved(step):
        return limit.ntk(jax.tree.map(lambda a, b: a + step * b, at, along))

    slope = jax.jit(jax.jacfwd(moved))(0.0)
    # The error of a central difference: step^2 of a third derivative, and rounding
    # over the step, both below 1e-9 of the largest entry here.
    difference = (moved(1e-5) - moved(-1e-5)) / 2e-5
    scale = float(jnp.abs(slope).max())
    np.testing.assert_allclose(slope, difference, rtol=0, atol=1e-7 * scale)
