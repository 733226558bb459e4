"""What is not finite, and in which step, is said in one sentence."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl

KEY = jax.random.key(1)
X = np.linspace(0.5, 1.5, 8)[:, None]
Y = 2 * X
LINEAR = eqx.nn.Linear(1, 1, key=KEY)


def run(net=LINEAR, data=(X, Y), steps=400, **given):
    return hl.train(net, data, key=KEY, steps=steps, **given)


@pytest.mark.parametrize("data", ["y", "x"])
def test_the_data(data, refuses):
    given = {"x": X.copy(), "y": Y.copy()}
    given[data][5, 0] = np.nan
    # The step at which the row is drawn.
    order = jax.random.permutation(jax.random.fold_in(jax.random.fold_in(KEY, 0), 0), 8)
    step = int(jnp.argmax(order == 5)) // 2 + 1
    with refuses(
        f"the loss is nan in step {step}, and {data}[5, 0] is nan in the data"
    ):
        run(data=(given["x"], given["y"]), batch_size=2)


def test_a_rate_that_is_too_large(refuses):
    """The step is that at which descent by hand overflows."""
    optimiser, net, steps = optax.sgd(1.0), LINEAR, 0
    state, value = optimiser.init(net), 0.0
    rate = 50.0 if jnp.asarray(0.0).dtype == np.float64 else 1e3
    w, b, x, y = (
        np.asarray(a, jnp.zeros(()).dtype) for a in (net.weight[0], net.bias, X, Y)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        while np.isfinite(value):
            wrong = x * w + b - y
            value, steps = np.mean(wrong**2), steps + 1
            w, b = w - rate * np.mean(2 * wrong * x), b - rate * np.mean(2 * wrong)
    del state
    with refuses(f"in step {steps}", "try a smaller learning rate"):
        run(optimiser=optax.sgd(rate))


def test_one_gradient(refuses):
    def loss(net, batch, key):
        return jnp.mean(net.weight**2) + jnp.sqrt(jnp.sum(net.bias**2))

    net = eqx.tree_at(lambda n: n.bias, LINEAR, jnp.zeros(1))
    with refuses("in step 1 the loss is", "the gradient in bias is not finite"):
        run(net, loss=loss)


def test_the_step_of_the_optimiser(refuses):
    schedule = lambda count: jnp.where(count < 3, 0.0, jnp.inf)  # noqa: E731
    with refuses("step 4, of loss", "makes weight and 1 more arrays infinite"):
        run(optimiser=optax.sgd(schedule))


def test_the_validation(refuses):
    bad = Y.copy()
    bad[2] = np.inf
    with refuses("validation loss is inf after step 1", "y[2, 0] is inf"):
        run(validation=(X, bad))
