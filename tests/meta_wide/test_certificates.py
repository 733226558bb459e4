"""Where training stopped: gradients and Hessians, held against whole ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from specs import OWN, SPEC, erf_scale, normal, problem, written_out

import hyperlimit as hl

KEY = jax.random.key(0)


def test_the_hessian_falls_into_blocks(epsilon):
    x, z, y = problem()
    net = hl.meta_wide_limit(SPEC).init(x, key=KEY, z=z)
    rows, size = net.initial.shape

    def loss(flat):
        weights = flat.reshape(rows, size)
        outputs = jax.vmap(lambda w: written_out(w, z, erf_scale()))(weights)
        return jnp.mean((outputs - y[..., 0]) ** 2) / 2

    flat = net.initial.reshape(-1)
    whole = np.asarray(jax.jit(jax.hessian(loss))(flat)).reshape(rows, size, rows, size)
    found = net.hessian_eigenvalues(z, y)
    for i in range(rows):
        expected = np.linalg.eigvalsh(whole[i, :, i])
        np.testing.assert_allclose(found[i], expected, atol=100 * epsilon)
        others = np.delete(whole[i], i, axis=1)
        assert np.abs(others).max() < 100 * epsilon
    # All eigenvalues of the whole, none twice.
    everything = np.linalg.eigvalsh(whole.reshape(rows * size, -1))
    np.testing.assert_allclose(np.sort(np.ravel(found)), everything, atol=100 * epsilon)
    stopped = net.stationarity(z, y)
    gradient = jax.grad(loss)(flat).reshape(rows, size)
    np.testing.assert_allclose(
        stopped.weights, jnp.linalg.norm(gradient, axis=1), atol=100 * epsilon
    )
    assert float(stopped.own) == 0
    assert float(stopped.loss) == pytest.approx(float(loss(flat)))


def test_gradients_of_own_parameters_are_counted(epsilon):
    x, z, y = problem()
    net = hl.meta_wide_limit(OWN).init(x, key=KEY, z=z)

    def loss(tail):
        def one(weights):
            return written_out(jnp.concatenate([weights, tail]), z, erf_scale())

        return jnp.mean((jax.vmap(one)(net.initial) - y[..., 0]) ** 2) / 2

    last = net.own[2]
    gradient = jax.grad(loss)(jnp.concatenate([last["weight"][0], last["bias"]]))
    expected = float(jnp.linalg.norm(gradient))
    found = float(net.stationarity(z, y).own)
    assert found == pytest.approx(expected, rel=100 * epsilon)


def test_wrong_input_is_one_sentence(refuses, unchecked_types):
    x, z, y = problem()
    own = hl.meta_wide_limit(OWN).init(x, key=KEY, z=z)
    with refuses("has parameters of its own, which couple all x"):
        own.hessian_eigenvalues(z, y)
    net = hl.meta_wide_limit(SPEC).init(x, key=KEY, z=z)

    def total(outputs, targets):
        return jnp.sum((outputs - targets) ** 2)

    with refuses("the loss is ", "mean over x"):
        net.hessian_eigenvalues(z, y, loss=total)
    wide = hl.Hypernetwork(SPEC.meta, hl.mlp(depth=2, width=700, out=1))
    net = hl.meta_wide_limit(wide).init(x, key=KEY, z=z)
    with refuses("P=2100 weights", "up to P=2000"):
        net.hessian_eigenvalues(z, normal(0, 6, 5, 1))
