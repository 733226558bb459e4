"""The hyperkernel and the GP kernel against the 50-digit reference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import Points, points, specification, worst_errors
from mpmath import mp

import hyperlimit as hl
from hyperlimit.activations import ACTIVATIONS
from references.mp_kernels import NAMES, Meta, Primary, kernels

# Scales below are sums of a few powers of two, the same in float32 and exactly.
DEPTHS = (2, 3, 4, 8, 16, 32, 64, 128)
UNEQUAL = ((2, 128), (128, 2), (3, 8), (1, 3), (3, 1))


def _assert_agrees(meta: Meta, primary: Primary, tolerance, at: Points | None = None):
    limit, eps = (
        hl.dual_limit(specification(meta, primary)),
        float(np.finfo(jnp.zeros(()).dtype).eps),
    )
    # h has the depth of g as its degree in f and in z, whose roundings it multiplies:
    # in float64 nothing, in float32 4e-5 in all at depth 128.
    allowed = tolerance + 2 * primary.depth * eps
    # A correlation is rounded in units of one: only values that are large beside
    # that can be known relatively. In float64 a thousandth is large enough.
    small = max(1e-3, 30 * eps / tolerance)
    assert max(worst_errors(limit, at or points(), meta, primary, small)) < allowed


@pytest.mark.parametrize(
    ("f_depth", "g_depth"), [*((depth, depth) for depth in DEPTHS), *UNEQUAL]
)
def test_depths(f_depth, g_depth, tolerance):
    _assert_agrees(Meta(f_depth), Primary(g_depth), tolerance)


@pytest.mark.long
@pytest.mark.parametrize("depth", range(2, 129))
def test_every_depth(depth, tolerance):
    _assert_agrees(Meta(depth), Primary(130 - depth), tolerance)
    biased = Meta(depth, bias_std=0.25), Primary(depth, bias_std=0.125)
    _assert_agrees(*biased, tolerance)


def test_the_reference_has_every_closed_form():
    # The three are expansions; the law suite holds them against quadrature.
    assert set(ACTIVATIONS) - set(NAMES) == {"tanh", "softplus", "swish"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("f_depth", "g_depth"),
    [
        pytest.param(
            3, 2, marks=pytest.mark.float64_only(reason="float32 is held at depth 14")
        ),
        (14, 16),
    ],
)
def test_activations_with_biases(name, f_depth, g_depth, tolerance):
    if tolerance > 1e-6 and f_depth > 10:
        # A smooth activation rounds the gap by a few eps in each layer of f, and the
        # sixteenth power of K_f multiplies what that sums to.
        tolerance *= 5
    meta = Meta(f_depth, name, 0.875, 0.25)
    _assert_agrees(meta, Primary(g_depth, name, 1.125, 0.375), tolerance)


@pytest.mark.parametrize("names", [("relu", "erf"), ("gelu", "relu"), ("sin", "cos")])
def test_another_activation_in_each_network(names, tolerance):
    meta, primary = (Meta(3, names[0]), Primary(3, names[1]))
    _assert_agrees(meta, primary, tolerance)


LAYERWISE = {
    "own middle": Primary(3, generated=(True, False, True)),
    "own ends": Primary(3, "leaky_relu", 1.25, 0.375, (False, True, False)),
    "own biases": Primary(3, "relu", 1.25, 0.375, (True,) * 3, (False,) * 3),
    "first biases only": Primary(
        3, "erf", 1.25, 0.375, (False,) * 3, (True, False, False)
    ),
    "deep": Primary(40, "relu", 1.0, 0.125, (True,) + (False, True, True) * 13),
}


@pytest.mark.parametrize("name", LAYERWISE)
def test_generated_and_own_parameters(name, tolerance):
    _assert_agrees(Meta(3, "relu", 1.125, 0.25), LAYERWISE[name], tolerance)


@pytest.mark.parametrize("depth", [2, 64])
def test_lengths_from_1e_8_to_1e8_in_one_call(depth, tolerance, epsilon):
    """Right where a number of the type can hold the answer; elsewhere inf or 0."""
    rng = np.random.default_rng(3)
    sizes = np.array([1e-8, 1.0, 1e8, 1e8, 1e-8])[:, None]
    x, z = (sizes**sign * rng.standard_normal((5, 4)) for sign in (1, -1))
    z[3:] *= sizes[3:] ** 2
    x, z = jnp.asarray(x, float), jnp.asarray(z, float)
    meta, primary = Meta(3), Primary(depth)
    found = hl.dual_limit(specification(meta, primary)).kernels((x, z))
    held, info = 0, np.finfo(x.dtype)
    for i in range(5):
        for j in range(i, 5):
            points = (np.asarray(rows[k]) for k in (i, j) for rows in (x, z))
            exact = kernels(*points, meta, primary)
            for value, matrix in zip(exact, found, strict=True):
                entry = float(matrix[i, j])
                with mp.workdps(30):
                    if abs(value) > float(info.max) / 16:
                        assert abs(entry) == np.inf or abs(entry) > info.max / 32
                    elif abs(value) < float(info.tiny) * 16:
                        assert abs(entry) < info.tiny * 32
                    else:
                        held += 1
                        # The depth is the power of either length, itself rounded.
                        assert abs(entry / value - 1) < tolerance + 4 * depth * epsilon
    # Pairs of a large and a small input are of order one at every depth.
    assert held >= 6


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_nan_at_any_length(name):
    x = np.array([1e-8, 1.0, 1e8, 0.0, -1e8])[:, None] * np.ones((1, 3))
    inputs = jnp.asarray(x, float), jnp.asarray(x[::-1].copy(), float)
    limit = hl.dual_limit(specification(Meta(2, name), Primary(3, name)))
    for found in limit.kernels(inputs):
        assert not np.isnan(found).any()


@pytest.mark.parametrize("dimension", [3, 784])
@pytest.mark.parametrize("depth", [2, 8])
def test_near_duplicates(dimension, depth, tolerance, epsilon):
    """An angle that errs by e moves a kernel of L and H layers by L H (L + H) e.

    No factor of the recursions has a slope in the angle above one, an activation
    narrows angles, and there are L + H factors in each of L H terms.
    """
    rng = np.random.default_rng(4)
    x, z = (np.repeat(rng.standard_normal((1, d)), 9, 0) for d in (dimension, 3))
    steps = 10.0 ** -np.arange(2.0, 10.0)[:, None]
    x[1:] += steps * rng.standard_normal((8, dimension))
    z[5:] += steps[4:] * rng.standard_normal((4, 3))
    pairs = tuple((0, k) for k in range(9))
    at = Points(jnp.asarray(x, float), jnp.asarray(z, float), pairs)
    angle = dimension**0.5 * epsilon**0.8 if dimension > 8 else 4 * epsilon
    _assert_agrees(Meta(depth), Primary(depth), tolerance + 2 * depth**3 * angle, at)


@pytest.mark.parametrize("depths", [(1, 1), (3, 2), (128, 128)])
def test_inputs_of_unit_mean_square(depths, tolerance):
    """K(u, u) = L H and Lambda(u, u) = 1, for every input of such a length."""
    f_depth, g_depth = depths
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((6, 7)), rng.standard_normal((6, 2))
    x, z = (v / np.sqrt((v**2).mean(1, keepdims=True)) for v in (x, z))
    inputs = jnp.asarray(x, float), jnp.asarray(z, float)
    limit = hl.dual_limit(specification(Meta(f_depth), Primary(g_depth)))
    np.testing.assert_allclose(limit.nngp_diagonal(inputs), 1, rtol=5 * tolerance)
    np.testing.assert_allclose(
        limit.ntk_diagonal(inputs), f_depth * g_depth, rtol=5 * tolerance
    )


@pytest.mark.parametrize("name", ["relu", "cos"])
def test_diagonals_are_those_of_the_matrices(name, tolerance):
    meta, primary = Meta(3, name, 1.0, 0.2), Primary(4, name, 1.0, 0.3)
    limit, inputs = hl.dual_limit(specification(meta, primary)), points().inputs
    # The gap of a row with itself is exactly 0, so nothing but fused operations
    # may differ.
    np.testing.assert_allclose(
        limit.ntk_diagonal(inputs),
        np.diagonal(limit.ntk(inputs)),
        rtol=tolerance / 10,
    )


def test_a_plain_network_is_a_meta_network_seen_through_one_weight(tolerance):
    """g of one layer on z = 1 multiplies f's outputs by one: h's kernels are f's."""
    network = hl.mlp(depth=3, width=4, activation="gelu", bias_std=0.3, out=1)
    found = hl.dual_limit(network).kernels(points().x)
    meta = hl.mlp(depth=3, width=4, activation="gelu", bias_std=0.3)
    whole = hl.dual_limit(hl.Hypernetwork(meta, hl.mlp(depth=1, width=4, out=1)))
    ones = jnp.ones((8, 1))
    for one, other in zip(found, whole.kernels((points().x, ones)), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_no_rows():
    limit = hl.dual_limit(specification(Meta(3), Primary(2)))
    none = jax.tree.map(lambda rows: rows[:0], points().inputs)
    assert limit.ntk(none).shape == (0, 0)
    assert limit.ntk(points().inputs, none).shape == (8, 0)
    assert limit.ntk_diagonal(none).shape == (0,)
