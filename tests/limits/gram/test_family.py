"""A Gram matrix that moves, and slopes of its forms, beside the kernel itself."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.limits.gram import GramFamily, free_kernel, points_of

N, P = 8, 5
NAMES = ("bandwidth", "weight_std", "bias_std")


def family(activation, lengths, generated, masked, tolerance):
    spec = hl.Hypernetwork(
        hl.mlp(depth=2, width=8, activation=activation, bias_std=0.3, weight_std=1.2),
        hl.mlp(
            depth=2,
            width=8,
            out=1,
            activation=activation,
            bias_std=0.2,
            weights_generated=[generated, True],
            inputs=hl.FourierFeatures(bandwidth=1.5),
        ),
    )
    draw = np.random.default_rng(0)
    x = draw.standard_normal((N, 5))
    x[3] = x[2]
    x /= np.linalg.norm(x, axis=1, keepdims=True) / 5**0.5
    if lengths:
        x *= draw.uniform(0.8, 1.25, (N, 1))
    z = draw.standard_normal((P, 2))
    known = draw.uniform(size=(N, P)) < 0.6 if masked else None
    points, dtype = points_of(jnp.asarray(x, float), z, known, 1)
    kernel = free_kernel(spec, "ntk", NAMES)
    return GramFamily(kernel, points, dtype, 1, tolerance=tolerance, memory=2**24)


def exact(given, values):
    """The kernel of all points in double precision."""
    kernel, points = given.kernel.at(values), given.points
    with jax.enable_x64(True):
        some = (jnp.asarray(v) for v in points.some(np.arange(len(points))))
        prepared = kernel.prepare(*some)
        return np.asarray(ENTRIES(kernel, prepared, prepared))


ENTRIES = eqx.filter_jit(lambda kernel, a, b: kernel.entries(a, b))


@pytest.mark.parametrize(
    ("activation", "lengths", "generated", "masked"),
    [("relu", False, False, True), ("erf", True, True, False)],
    ids=["relu, a mask, layers of its own", "erf, lengths of their own"],
)
def test_it_moves_with_its_numbers(activation, lengths, generated, masked, epsilon):
    tight = 1e-5 if epsilon < 1e-10 else 2e-5
    given = family(activation, lengths, generated, masked, tight)
    start = np.asarray(given.kernel.values)
    draw = np.random.default_rng(1)
    vectors = draw.standard_normal((len(given.points), 3))
    weights, trace = np.array([1.0, -0.5, 0.3]), 0.7

    def form(values):
        matrix = exact(given, values)
        forms = np.sum(vectors * (matrix @ vectors), axis=0)
        return weights @ forms + trace * np.trace(matrix)

    for values in (start, start * np.linspace(0.9, 1.15, len(start))):
        matrix = exact(given, values)
        found = given.operator(values)
        worst = np.abs(np.asarray(found.as_matrix()) - matrix).max()
        assert worst <= 1.5 * tight * matrix.max()
        with jax.enable_x64(True):
            columns = jnp.asarray(vectors)
        slopes = given.gradient(values, columns, weights, trace)
        steps = 1e-5 * np.eye(len(values))
        expected = [(form(values + s) - form(values - s)) / 2e-5 for s in steps]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(slopes, expected, atol=20 * tight * scale)
    assert given.renewals <= 2
    other = given.kernel.at(start * 1.1).spec()
    assert other.primary.inputs.bandwidth == pytest.approx(1.65)
    assert other.meta.layers[0].bias_std == pytest.approx(0.33)


def test_one_code_serves_all_values():
    """Descriptions that differ in learned numbers have one template."""
    first, second = (
        free_kernel(
            hl.Hypernetwork(
                hl.mlp(depth=2, width=8, weight_std=std),
                hl.mlp(depth=2, width=8, out=1, weight_std=2 * std),
            ),
            "ntk",
            NAMES,
        )
        for std in (1.0, 1.7)
    )
    assert first.template == second.template
    assert hash(first.template) == hash(second.template)
    assert (first.of_meta, first.of_primary) == (second.of_meta, second.of_primary)
    np.testing.assert_allclose(second.values, [1.7, 3.4])
