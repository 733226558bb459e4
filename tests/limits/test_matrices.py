"""Gram matrices as matrices, and under the transformations of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import points, specification

import hyperlimit as hl
from hyperlimit.activations import ACTIVATIONS
from references.mp_kernels import Meta, Primary


def _limit(name="relu", bias=0.0, f_depth=3, g_depth=3):
    meta, primary = Meta(f_depth, name, 1.0, bias), Primary(g_depth, name, 1.0, bias)
    return hl.dual_limit(specification(meta, primary))


def _hard_inputs(columns=10):
    """Duplicates, opposites, near ones and zero rows in one matrix."""
    rng = np.random.default_rng(5)
    x, z = rng.standard_normal((12, columns)), rng.standard_normal((12, 2))
    x[1], x[2], x[3] = x[0], -x[0], 0
    z[4], z[5], z[6] = z[0], -z[0], 0
    x[7], z[7] = x[0], z[0]
    x[8] = x[0] * (1 + 1e-6 * rng.standard_normal(columns))
    return jnp.asarray(x, float), jnp.asarray(z, float)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_symmetric_and_positive_semidefinite(name, epsilon):
    inputs = _hard_inputs()
    if name == "exp":
        # At these lengths exponentials of exponentials leave the range of numbers.
        inputs = jax.tree.map(lambda rows: rows / 4, inputs)
    for matrix in _limit(name, 0.2, f_depth=2).kernels(inputs):
        matrix = np.asarray(matrix)
        assert (matrix == matrix.T).all()
        values = np.linalg.eigvalsh(matrix.astype(np.float64))
        # Roundings of eps in each of some ten layers, n of them in an eigenvalue.
        assert values[0] > -20 * len(matrix) * epsilon * values[-1]


def test_equal_inputs_have_equal_rows():
    matrix = np.asarray(_limit().ntk(_hard_inputs()))
    assert (matrix[0] == matrix[7]).all()


def test_the_other_inputs_given_are_the_columns(tolerance):
    limit, inputs = _limit(), points().inputs
    first, last = (
        jax.tree.map(lambda rows, s=s: rows[s], inputs) for s in (slice(3), slice(3, 8))
    )
    whole = limit.kernels(inputs)
    for part, matrix in zip(limit.kernels(first, last), whole, strict=True):
        np.testing.assert_allclose(part, matrix[:3, 3:], rtol=0, atol=tolerance / 10)
    np.testing.assert_array_equal(limit.ntk(inputs, inputs), whole.ntk)


def test_each_kernel_alone_is_that_of_both(tolerance):
    limit, inputs = _limit(), points().inputs
    both = limit.kernels(inputs)
    np.testing.assert_allclose(limit.nngp(inputs), both.nngp, atol=tolerance / 10)
    np.testing.assert_allclose(limit.ntk(inputs), both.ntk, atol=tolerance / 10)


@pytest.mark.parametrize(("name", "depth"), [("relu", 3), ("erf", 40)])
def test_compiled_and_mapped(name, depth, tolerance):
    """Depth 40 walks its layers in a loop."""
    limit, (x, z) = _limit(name, 0.1, depth), points().inputs
    found = limit.ntk((x, z))
    compiled = jax.jit(lambda x, z: limit.ntk((x, z)))(x, z)
    np.testing.assert_allclose(compiled, found, rtol=tolerance, atol=tolerance)
    assert (compiled == compiled.T).all()
    mapped = jax.vmap(lambda x, z: limit.ntk((x, z)))(
        jnp.stack([x, 2 * x]), jnp.stack([z, z])
    )
    np.testing.assert_allclose(mapped[0], found, rtol=tolerance, atol=tolerance)
    second = limit.ntk((2 * x, z))
    scale = float(second.max())
    np.testing.assert_allclose(mapped[1], second, rtol=0, atol=tolerance * scale)


# Ten columns take the path of the matrix product, four that of differences.
@pytest.mark.parametrize(
    ("name", "columns"),
    [("relu", 10), ("relu", 4), ("erf", 4), ("gelu", 4), ("sin", 4), ("cos", 4)],
)
def test_gradients_are_finite(name, columns):
    limit = _limit(name, f_depth=2, g_depth=2)

    def total(inputs):
        return limit.ntk(inputs).sum()

    value, gradient = jax.jit(jax.value_and_grad(total))(_hard_inputs(columns))
    assert np.isfinite(value)
    for leaf in gradient:
        assert np.isfinite(leaf).all()
