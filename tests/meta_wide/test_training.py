"""Training of the coefficients against training of weights, and closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from specs import (
    LINEAR,
    OWN,
    ROWS,
    SPEC,
    batch,
    erf_scale,
    normal,
    problem,
    written_out,
)

import hyperlimit as hl

KEY = jax.random.key(0)
RULES = {
    "descent": lambda: optax.sgd(0.4),
    "momentum": lambda: optax.sgd(0.2, momentum=0.9),
    "Nesterov": lambda: optax.sgd(0.2, momentum=0.9, nesterov=True),
    "decaying average": lambda: optax.chain(optax.ema(0.8), optax.sgd(0.4)),
    "schedule": lambda: optax.sgd(lambda count: jnp.where(count < 3, 0.4, 0.1)),
    "own parameters by Adam": lambda: optax.partition(
        {"f": optax.sgd(0.2, momentum=0.9), "g": optax.adam(0.01)},
        lambda tree: hl.meta_wide.Trainable("f", jax.tree.map(lambda _: "g", tree.own)),
    ),
}


def started(spec=SPEC, points=5):
    x, z, y = problem(points)
    return hl.meta_wide_limit(spec).init(x, key=KEY, z=z), z, y


@pytest.mark.parametrize("rule", RULES)
def test_coefficients_move_as_the_weights_of_explicit_features(rule, epsilon):
    """theta = phi phi^T, and the optimiser works on w (D, P) for real.

    Minibatches of three x, with a primary that has a layer of its own.
    """
    net, z, y = started(OWN)
    phi = normal(7, ROWS, 9) / 3
    net = eqx.tree_at(lambda n: n.ntk, net, phi @ phi.T)
    scale, generator = erf_scale(), np.random.default_rng(3)
    w_first = normal(8, 9, net.initial.shape[1])
    trained = hl.meta_wide.Trainable(w_first, net.own)

    def loss(trained, rows):
        weights = net.initial + phi @ (trained.coefficients - w_first)
        last = trained.own[2]
        tail = jnp.concatenate([last["weight"][0], last["bias"]])

        def one(row):
            return written_out(jnp.concatenate([weights[row], tail]), z, scale)

        return jnp.mean((jax.vmap(one)(rows) - y[rows, :, 0]) ** 2) / 2

    optimiser = RULES[rule]()
    states = optimiser.init(net.trainable), optimiser.init(trained)
    gradient = jax.jit(jax.value_and_grad(loss))
    step = eqx.filter_jit(
        lambda net, state, rows: net.step(z, y, optimiser, state, rows=rows)
    )
    for _ in range(8):
        rows = jnp.asarray(generator.permutation(ROWS)[:3])
        value, slopes = gradient(trained, rows)
        # Optax divides integers by floats, which strict promotion refuses.
        with jax.numpy_dtype_promotion("standard"):
            updates, real = optimiser.update(slopes, states[1], trained)
            net, state, found = step(net, states[0], rows)
        trained = trained.moved_by(updates)
        states = state, real
        assert float(found) == pytest.approx(float(value), rel=1e3 * epsilon)
    weights = net.initial + phi @ (trained.coefficients - w_first)
    assert float(jnp.abs(weights - net.initial).max()) > 0.1
    np.testing.assert_allclose(net.weights, weights, atol=1e3 * epsilon)
    for one, two in zip(
        jax.tree.leaves(net.own), jax.tree.leaves(trained.own), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e3 * epsilon)


def test_a_linear_primary_is_kernel_regression(epsilon):
    """g of one layer: h is linear in V, and training has a closed form."""
    net, z, y = started(LINEAR)
    pairs = jnp.repeat(net.x, len(z), axis=0), jnp.tile(z, (ROWS, 1))
    start, targets = batch(net, z).reshape(-1), y.reshape(-1)
    training = hl.training_dynamics(hl.dual_limit(LINEAR), pairs, targets - start)
    rate = 0.5 * training.largest_learning_rate
    close = {"rtol": 0, "atol": 1e4 * epsilon}

    trained, losses = net.train(z, y, optimiser=optax.sgd(rate), steps=30)
    at = hl.Descent(steps=30, learning_rate=rate)
    expected = start + training.mean(pairs, at)
    np.testing.assert_allclose(batch(trained, z).reshape(-1), expected, **close)
    assert losses[0] == pytest.approx(float(jnp.mean((start - targets) ** 2)) / 2)

    new = normal(9, 3, 4)
    elsewhere = jnp.repeat(new, len(z), axis=0), jnp.tile(z, (3, 1))
    moved = batch(trained.at(new, key=KEY), z) - batch(net.at(new, key=KEY), z)
    np.testing.assert_allclose(moved.reshape(-1), training.mean(elsewhere, at), **close)

    tolerance = 1e-9 if epsilon < 1e-10 else 1e-6
    times = jnp.array([0.5, 4.0, 20.0])
    flowed, losses = net.flow(z, y, time=times, tolerances=(tolerance, tolerance))
    near = {"rtol": 0, "atol": max(1e3 * tolerance, 1e4 * epsilon)}
    for time, loss in zip(times, losses, strict=True):
        left = start + training.mean(pairs, hl.Flow(float(time))) - targets
        assert float(loss) == pytest.approx(float(jnp.mean(left**2)) / 2, rel=1e-4)
    expected = left + targets
    np.testing.assert_allclose(batch(flowed, z).reshape(-1), expected, **near)


@pytest.mark.float64_only(reason="differences of small steps")
def test_the_flow_is_the_limit_of_small_steps():
    """Errors of Euler's steps are linear in them: extrapolation takes them off."""
    net, z, y = started(OWN)
    flowed, losses = net.flow(z, y, time=2.0, tolerances=(1e-9, 1e-9))
    ends = [
        net.train(z, y, optimiser=optax.sgd(2.0 / steps), steps=steps)[0].weights
        for steps in (200, 400)
    ]
    errors = [float(jnp.abs(end - flowed.weights).max()) for end in ends]
    extrapolated = float(jnp.abs(2 * ends[1] - ends[0] - flowed.weights).max())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)
    assert extrapolated < 0.02 * errors[1]
    value = flowed.stationarity(z, y).loss
    assert float(losses[0]) == pytest.approx(float(value), rel=1e-6)


def test_batches_are_drawn_without_replacement(epsilon):
    net, z, y = started()
    trained, _ = net.train(
        z, y, optimiser=optax.sgd(0.3), steps=1, batch_size=2, key=KEY
    )
    touched = jnp.any(trained.coefficients != 0, axis=1)
    assert int(touched.sum()) == 2
    # All x at a time is the full batch in another order.
    full, losses = net.train(z, y, optimiser=optax.sgd(0.3), steps=5)
    shuffled, others = net.train(
        z, y, optimiser=optax.sgd(0.3), steps=5, batch_size=ROWS, key=KEY
    )
    np.testing.assert_allclose(shuffled.weights, full.weights, atol=1e3 * epsilon)
    np.testing.assert_allclose(losses, others, atol=1e3 * epsilon)


def test_coordinates_and_losses_of_each_x(epsilon):
    """z (n, p, d) with labels (n, p) and a loss of one's own, rows by hand."""
    net, _, _ = started()
    z, labels = normal(5, ROWS, 5, 2), jnp.arange(30).reshape(ROWS, 5) % 2

    def logistic(outputs, labels):
        sign = (2 * labels - 1).astype(outputs.dtype)
        return jnp.mean(jax.nn.softplus(-sign * outputs[..., 0]))

    optimiser, rows = optax.sgd(0.5), jnp.array([4, 1])

    @eqx.filter_jit
    def step(net):
        state = optimiser.init(net.trainable)
        return net.step(z, labels, optimiser, state, rows=rows, loss=logistic)

    def by_hand(weights):
        outputs = jax.vmap(lambda w, z: written_out(w, z, erf_scale()))(
            weights, z[rows]
        )
        return logistic(outputs[..., None], labels[rows])

    moved, _, value = step(net)
    expected, slope = jax.jit(jax.value_and_grad(by_hand))(net.weights[rows])
    assert float(value) == pytest.approx(float(expected), rel=100 * epsilon)
    np.testing.assert_allclose(
        moved.coefficients[rows], -0.5 * slope, atol=100 * epsilon
    )
    assert int(jnp.any(moved.coefficients != 0, axis=1).sum()) == 2
    one = eqx.filter_jit(net.primary(-2))(z[4, 3])
    np.testing.assert_allclose(
        one, written_out(net.weights[4], z[4, 3:4], erf_scale()), atol=100 * epsilon
    )


def test_an_ensemble_over_keys_in_one_compiled_call(epsilon):
    """Init, train and flow inside of jit and vmap; a traced learning rate is taken."""
    x, z, y = problem()
    limit, keys = hl.meta_wide_limit(SPEC), jax.random.split(KEY, 3)

    @jax.jit
    @jax.vmap
    def ensemble(key, rate):
        net = limit.init(x, key=key, z=z)
        trained = net.train(z, y, optimiser=optax.sgd(rate), steps=4)[0].weights
        flowed, losses = net.flow(z, y, time=1.0)
        return trained, flowed.weights, losses, net.flow(z, y, time=9.0, max_steps=2)[1]

    trained, flowed, losses, early = ensemble(keys, jnp.array([0.1, 0.2, 0.3]))
    net = limit.init(x, key=keys[1], z=z)
    one, _ = net.train(z, y, optimiser=optax.sgd(0.2), steps=4)
    np.testing.assert_allclose(trained[1], one.weights, atol=1e3 * epsilon)
    two, loss = net.flow(z, y, time=1.0)
    np.testing.assert_allclose(flowed[1], two.weights, atol=1e-4)
    assert float(losses[1, 0]) == pytest.approx(float(loss[0]), rel=1e-4)
    # What did not arrive is no number.
    assert np.isnan(early).all()


def test_neither_state_nor_step_know_the_depth_of_f():
    x, z, y = problem()
    optimiser, steps, shapes = optax.sgd(0.1, 0.9), [], []
    for depth in (2, 40):
        spec = hl.Hypernetwork(hl.mlp(depth=depth, width=8), SPEC.primary)
        net = hl.meta_wide_limit(spec).init(x, key=KEY, z=z)
        state = optimiser.init(net.trainable)
        shapes.append([leaf.shape for leaf in jax.tree.leaves((net, state))])

        def step(arrays, state, net=net):
            rest = eqx.partition(net, eqx.is_array)[1]
            moved, state, loss = eqx.combine(arrays, rest).step(z, y, optimiser, state)
            return eqx.filter(moved, eqx.is_array), state, loss

        steps.append(str(jax.make_jaxpr(step)(eqx.filter(net, eqx.is_array), state)))
    assert steps[0] == steps[1]
    assert shapes[0] == shapes[1]
    assert shapes[0].count((ROWS, 13)) == 3  # V_0, A and the momentum


REFUSED = {
    "Adam": lambda: optax.adam(0.1),
    "signs": lambda: optax.sign_sgd(0.1),
    "clipping": lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)),
    "weight decay": lambda: optax.chain(
        optax.add_decayed_weights(1e-4), optax.sgd(0.1)
    ),
    "centred gradients": lambda: optax.chain(optax.centralize(), optax.sgd(0.1)),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_rules_without_a_limit_are_refused(rule, refuses):
    net, z, y = started()
    with refuses("other than a weighted sum of their past gradients"):
        net.train(z, y, optimiser=REFUSED[rule](), steps=1)


def test_wrong_input_is_one_sentence(refuses, unchecked_types):
    net, z, y = started()
    sgd = optax.sgd(0.1)
    with refuses("the optimiser needs more than gradients", "'value'"):
        net.train(z, y, optimiser=optax.polyak_sgd(), steps=1)
    with refuses("optimiser=0.1 is no transformation"):
        net.train(z, y, optimiser=0.1, steps=1)
    with refuses("steps=0 was given"):
        net.train(z, y, optimiser=sgd, steps=0)
    with refuses("batch_size=7 was given: give a whole number from 1 to 6"):
        net.train(z, y, optimiser=sgd, steps=1, batch_size=7, key=KEY)
    with refuses("key=None is not a random key"):
        net.train(z, y, optimiser=sgd, steps=1, batch_size=2)
    with refuses("y has shape (6, 5) and the outputs have (6, 5, 1)"):
        net.train(z, y[..., 0], optimiser=sgd, steps=1)
    with refuses("y has shape (5, 5, 1) for 6 rows of x"):
        net.train(z, y[:5], optimiser=sgd, steps=1)
    with refuses("y holds numbers that are not finite"):
        net.train(z, y.at[2, 1].set(jnp.nan), optimiser=sgd, steps=1)
    with refuses("x holds numbers that are not finite"):
        net.at(net.x[:2].at[0, 0].set(jnp.inf), key=KEY)
    with refuses("the loss has shape (6, 5, 1)"):
        net.train(z, y, optimiser=sgd, steps=1, loss=lambda a, b: a - b)
    with refuses("time=[2.0, 1.0] was given"):
        net.flow(z, y, time=[2.0, 1.0])
    with refuses("the flow did not reach time=5 in max_steps=2"):
        net.flow(z, y, time=5.0, max_steps=2)
