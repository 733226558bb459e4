"""Closed forms of training against training, ensembles, and limits known otherwise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl

LIMIT = hl.dual_limit(
    hl.Hypernetwork(
        hl.mlp(depth=2, width=8, bias_std=0.5),
        hl.mlp(depth=2, width=8, bias_std=0.5, out=1),
    )
)
TIMES = (0.0, 0.3, 5.0, float("inf"))


def problem(count=7, seed=0, outputs=2):
    rng = np.random.default_rng(seed)
    inputs = tuple(jnp.asarray(rng.normal(size=(count, d))) for d in (5, 2))
    return inputs, jnp.asarray(rng.normal(size=(count, outputs)))


def joint_ensemble(inputs, targets, new, ridge, kind, time):
    """Mean and covariance at new inputs by the joint flow on all inputs together.

    h = h_0 + Theta(., U) a with n a' = -(h(U) - y) - l a, from a = 0.
    """
    n = len(targets)
    every = tuple(jnp.concatenate(pair) for pair in zip(inputs, new, strict=True))
    prior = np.asarray(LIMIT.nngp(every), np.float64)
    theta = np.asarray(getattr(LIMIT, kind)(every), np.float64)
    noise = ridge * np.diag(theta)[:n].mean()
    here = theta[:n, :n] + noise * np.eye(n)
    # exp of a block matrix: no eigendecomposition, no division by a rate.
    if np.isinf(time):
        gain = np.linalg.inv(here)
    else:
        block = np.block([[-here / n, np.eye(n)], [np.zeros((n, 2 * n))]])
        gain = np.asarray(jax.scipy.linalg.expm(jnp.asarray(time * block)))[:n, n:] / n
    map_ = theta[n:, :n] @ gain
    mean = map_ @ np.asarray(targets)
    read = np.concatenate([-map_, np.eye(len(map_))], axis=1)
    return mean, read @ prior @ read.T, noise


@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_mean_and_covariance_are_those_of_the_flow(kind, ridge, epsilon):
    (inputs, targets), (new, _) = problem(), problem(4, 1)
    found = hl.training_dynamics(LIMIT, inputs, targets, ridge=ridge, kind=kind)
    for time in TIMES:
        mean, covariance, noise = joint_ensemble(
            inputs, targets, new, ridge, kind, time
        )
        assert found.noise == pytest.approx(noise)
        at, close = hl.Flow(time), 1e4 * epsilon
        np.testing.assert_allclose(found.mean(new, at), mean, atol=close)
        np.testing.assert_allclose(found.covariance(new, at), covariance, atol=close)
        np.testing.assert_allclose(
            found.variance(new, at), np.diag(covariance), atol=close
        )


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_steps_are_steps(ridge, epsilon):
    """Gradient descent on coefficients, one step after another."""
    (inputs, targets), (new, _) = problem(), problem(4, 1)
    found = hl.training_dynamics(LIMIT, inputs, targets, ridge=ridge)
    theta = np.asarray(LIMIT.ntk(inputs), np.float64)
    cross = np.asarray(LIMIT.ntk(new, inputs), np.float64)
    rate, a = 0.9 * found.largest_learning_rate, np.zeros(targets.shape)
    for _ in range(25):
        a -= rate / len(a) * (theta @ a - np.asarray(targets) + found.noise * a)
    at = hl.Descent(steps=25, learning_rate=rate)
    np.testing.assert_allclose(found.mean(new, at), cross @ a, atol=1e4 * epsilon)
    beyond = hl.Descent(steps=400, learning_rate=1.1 * found.largest_learning_rate)
    assert found.loss(beyond) > 1e3 * found.loss(hl.Flow(0.0))


def test_the_end_is_regression(epsilon):
    (inputs, targets), (new, _) = problem(), problem(4, 1)
    for kind in ("ntk", "nngp"):
        fit = hl.regress(LIMIT, inputs, targets, ridge=0.1, kind=kind)
        found = hl.training_dynamics(
            LIMIT, inputs, targets, ridge=0.1, kind=kind, noisy_targets=True
        )
        np.testing.assert_allclose(found.mean(new), fit.mean(new), atol=1e3 * epsilon)
    # With the noise that the regression assumes: the exact Bayesian posterior.
    np.testing.assert_allclose(
        found.variance(new), fit.variance(new), atol=1e4 * epsilon
    )


def test_the_start_is_the_prior(epsilon):
    inputs, targets = problem(outputs=1)
    found = hl.training_dynamics(LIMIT, inputs, targets[:, 0])
    start = hl.Flow(0.0)
    np.testing.assert_array_equal(found.mean(inputs, start), 0)
    np.testing.assert_allclose(
        found.covariance(inputs, start), LIMIT.nngp(inputs), atol=100 * epsilon
    )
    expected = jnp.mean(targets**2 + LIMIT.nngp_diagonal(inputs)[:, None]) / 2
    assert found.loss(start) == pytest.approx(float(expected), rel=100 * epsilon)


def test_losses_fall_to_what_was_asked(epsilon):
    inputs, targets = problem(20)
    found = hl.training_dynamics(LIMIT, inputs, targets)
    losses = [found.loss(hl.Flow(t)) for t in (0.0, 0.1, 1.0, 10.0, 100.0)]
    assert losses == sorted(losses, reverse=True)
    mean = found.mean(inputs, hl.Flow(1.0))
    spread = found.variance(inputs, hl.Flow(1.0))
    direct = (jnp.sum((mean - targets) ** 2) + 2 * jnp.sum(spread)) / 2 / 20
    assert losses[2] == pytest.approx(float(direct), rel=1e5 * epsilon)
    for asked in (losses[1], 0.3 * losses[0]):
        time = found.time_to(asked)
        assert found.loss(hl.Flow(time)) == pytest.approx(asked, rel=1e5 * epsilon)
    assert found.time_to(2 * losses[0]) == 0
    assert found.time_to(0.0) == float("inf")


def test_duplicates_and_no_ridge():
    """Contradicting targets of one input: their mean is learned, nothing is NaN."""
    inputs, targets = problem()
    twice = tuple(jnp.concatenate([part, part[:3]]) for part in inputs)
    labels = jnp.concatenate([targets, targets[:3] + 1])
    found = hl.training_dynamics(LIMIT, twice, labels)
    tolerance = 1e-3 if targets.dtype == jnp.float32 else 1e-8
    for time in TIMES:
        at = hl.Flow(time)
        assert np.isfinite(found.mean(twice, at)).all()
        assert (np.asarray(found.variance(twice, at)) >= 0).all()
        assert np.isfinite(found.loss(at))
    np.testing.assert_allclose(
        found.mean(twice)[:3], targets[:3] + 0.5, atol=10 * tolerance
    )
    assert found.time_to(found.loss() / 2) == float("inf")


@pytest.mark.float64_only(reason="widths and seeds take minutes in either")
def test_finite_networks_approach_it():
    """Wide finite hypernetworks, trained by gradient descent for real."""
    (inputs, targets), (new, _) = problem(6, outputs=1), problem(5, 1)
    found = hl.training_dynamics(LIMIT, inputs, targets)
    rate, steps = 0.5 * found.largest_learning_rate, 40
    at = hl.Descent(steps=steps, learning_rate=rate)
    expected = np.asarray(found.mean(new, at))[:, 0]
    spread = np.asarray(found.variance(new, at))

    def error(width, seeds):
        spec = hl.Hypernetwork(
            hl.mlp(depth=2, width=width, bias_std=0.5),
            hl.mlp(depth=2, width=width, bias_std=0.5, out=1),
        )

        def trained(key):
            net = hl.init(spec, key=key, x=5, z=2)

            def loss(net):
                outputs = jax.vmap(net)(*inputs)
                return jnp.mean((outputs - targets) ** 2) / 2

            def step(_, net):
                gradient = jax.grad(loss)(net)
                return jax.tree.map(lambda w, g: w - rate * g, net, gradient)

            return jax.vmap(jax.lax.fori_loop(0, steps, step, net))(*new)[:, 0]

        keys = jax.random.split(jax.random.key(2), seeds)
        outputs = np.asarray(jax.jit(lambda k: jax.lax.map(trained, k))(keys))
        centre = (outputs.mean(axis=0) - expected) / np.sqrt(spread)
        wide = np.log(outputs.var(axis=0) / spread)
        return np.sqrt(np.mean(centre**2)), np.sqrt(np.mean(wide**2))

    narrow, wide = error(12, 300), error(64, 300)
    # The standard errors of 300 samples are 0.06 and 0.08.
    assert wide[0] < 0.15
    assert wide[1] < 0.25
    assert narrow[0] + narrow[1] > 2 * (wide[0] + wide[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": jnp.ones(3)}, "targets have shape (3,) for 7 inputs"),
        ({"targets": jnp.full((7, 1), jnp.nan)}, "targets holds 7 numbers"),
        ({"ridge": -1.0}, "ridge=-1.0"),
        ({"kind": "ntks"}, "kind='ntks'"),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    inputs, targets = problem()
    given = {"targets": targets} | change
    with refuses(words):
        hl.training_dynamics(LIMIT, inputs, given.pop("targets"), **given)


def test_wrong_schedules_are_one_sentence(refuses, unchecked_types):
    with refuses("time=-1.0"):
        hl.Flow(-1.0)
    with refuses("steps=1.5"):
        hl.Descent(1.5, 0.1)
    with refuses("learning_rate=0"):
        hl.Descent(3, 0)
