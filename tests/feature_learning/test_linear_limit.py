"""The limit against its published recursion, and finite networks against the limit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from recursion import Coefficients
from scipy import stats

import hyperlimit as hl
from hyperlimit.feature_learning import LinearNetwork, check_equivariant

D, OUT, EXAMPLES = 4, 2, 5
STDS = {"input_std": 0.8, "output_std": 0.6}


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(0)
    return draw.standard_normal((EXAMPLES, D)), draw.standard_normal((EXAMPLES, OUT))


def mean_square(net, inputs, targets):
    return jnp.sum((jax.vmap(net)(inputs) - targets) ** 2) / (2 * len(inputs))


@eqx.filter_jit
def trained(net, inputs, targets, optimiser, steps):
    """Outputs after each of some steps, (steps, examples, o), and the network."""

    def step(carry, _):
        net, state = carry
        slope = jax.grad(mean_square)(net, inputs, targets)
        updates, state = optimiser.update(slope, state, net)
        net = eqx.apply_updates(net, updates)
        return (net, state), jax.vmap(net)(inputs)

    (net, _), outputs = jax.lax.scan(
        step, (net, optimiser.init(net)), None, length=steps
    )
    return outputs, net


def on_device(data):
    return tuple(jnp.asarray(part, float) for part in data)


# What is taken from the coefficients, by rules written out for all four at once.
def descent(net, slopes, memory, rate):
    return [-rate * g for g in slopes], memory


def momentum(net, slopes, memory, rate):
    memory = [0.9 * m + g for m, g in zip(memory, slopes, strict=True)]
    return [-rate * m for m in memory], memory


def nesterov(net, slopes, memory, rate):
    memory = [0.9 * m + g for m, g in zip(memory, slopes, strict=True)]
    return [-rate * (g + 0.9 * m) for m, g in zip(memory, slopes, strict=True)], memory


def decay(net, slopes, memory, rate):
    return [-rate * (g + 0.1 * w) for g, w in zip(slopes, net.all, strict=True)], memory


def clipping(net, slopes, memory, rate):
    norm = np.sqrt(sum(np.sum(g**2) for g in slopes))
    return [-rate * g * min(1, 0.3 / norm) for g in slopes], memory


RULES = {
    "descent": (descent, optax.sgd(0.2)),
    "momentum": (momentum, optax.sgd(0.2, 0.9)),
    "nesterov": (nesterov, optax.sgd(0.2, 0.9, nesterov=True)),
    "decay": (decay, optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.2))),
    "clipping": (clipping, optax.chain(optax.clip_by_global_norm(0.3), optax.sgd(0.2))),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_published_recursion(rule, data, tolerance):
    inputs, targets = data
    by_hand, optimiser = RULES[rule]
    expected, net = [], Coefficients(D, OUT, **STDS)
    memory = [np.zeros_like(part) for part in net.all]
    for _ in range(8):
        slopes = net.directions(inputs, (net(inputs) - targets) / EXAMPLES)
        changes, memory = by_hand(net, slopes, memory, 0.2)
        net.moved(changes)
        expected.append(net(inputs))
    found, _ = trained(hl.linear_limit(D, OUT, **STDS), *on_device(data), optimiser, 8)
    np.testing.assert_allclose(found, expected, atol=10 * tolerance)
    assert np.abs(expected[-1] - targets).mean() < np.abs(targets).mean()
    check_equivariant(optimiser)


@pytest.mark.parametrize("silent", ["input_std", "output_std"])
def test_units_that_would_stay_zero_are_left_out(silent, data, tolerance):
    stds = STDS | {silent: 0.0}
    small = hl.linear_limit(D, OUT, **stds)
    assert small.first.shape == ((OUT if silent == "input_std" else D), D)
    first = stds["input_std"] * np.eye(D + OUT, D)
    second = stds["output_std"] * np.eye(OUT, D + OUT, k=D)
    large = LinearNetwork(*on_device((first, second)))
    rule = optax.sgd(0.2)
    outputs = [trained(net, *on_device(data), rule, 8)[0] for net in (small, large)]
    np.testing.assert_allclose(*outputs, atol=10 * tolerance)
    assert np.abs(outputs[0][-1]).max() > 0.1


def test_finite_networks_come_nearer_as_one_over_the_root_of_the_width(data):
    """Trained, and over seeds that are apart the slope is -1/2."""
    limit, rule = hl.linear_limit(D, OUT, **STDS), optax.sgd(0.1)
    inputs, targets = on_device(data)
    expected, _ = trained(limit, inputs, targets, rule, 12)
    moved = np.abs(expected[-1]).mean()
    widths, draws, groups = (64, 256, 1024, 4096), 192, 12
    errors = []
    for width in widths:

        @eqx.filter_jit
        def outputs(key, width=width):
            net = limit.sampled(width, key=key)
            return trained(net, inputs, targets, rule, 12)[0][-1]

        keys = jax.random.split(jax.random.key(width), draws)
        found = np.asarray(jax.lax.map(outputs, keys, batch_size=48))
        off = found - np.asarray(expected[-1])
        errors.append((off**2).reshape(groups, -1).mean(axis=1) ** 0.5)
    errors = np.array(errors)
    assert errors[-1].max() < 0.1 * moved
    slopes = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    half = stats.t.ppf(0.995, groups - 1) * slopes.std(ddof=1) / groups**0.5
    assert half < 0.05
    assert abs(slopes.mean() + 0.5) < half


def test_direct_mup_is_the_sampled_network(data, tolerance):
    """U and V drawn as such, 1/n written out, learning rates eta n."""
    inputs, targets = data
    width, rate, key = 32, 0.2, jax.random.key(3)
    limit = hl.linear_limit(D, OUT, **STDS)
    net = limit.sampled(width, key=key)
    found, _ = trained(net, *on_device(data), optax.sgd(rate), 10)
    omega = np.asarray(jax.random.normal(key, (width, D + OUT), limit.first.dtype))
    u, v = 0.8 * omega[:, :D], 0.6 * omega[:, D:]
    for outputs in found:
        chi = (inputs @ u.T @ v / width - targets) / EXAMPLES
        in_u, in_v = v @ chi.T @ inputs / width, u @ inputs.T @ chi / width
        u, v = u - rate * width * in_u, v - rate * width * in_v
        np.testing.assert_allclose(
            outputs, inputs @ u.T @ v / width, atol=10 * tolerance
        )
    # A network in standard parametrisation of both layers, N(0, s^2 / n).
    assert float(jnp.std(net.first)) == pytest.approx(0.8 / width**0.5, rel=0.3)


def test_features_move(data):
    """By what does not fall with the width, as the limit's: not the kernel regime."""
    inputs, targets = on_device(data)
    limit, moves = hl.linear_limit(D, OUT, **STDS), []
    for net in (limit, limit.sampled(4096, key=jax.random.key(0))):
        _, end = trained(net, inputs, targets, optax.sgd(0.2), 8)
        change = (end.first - net.first) @ inputs.T
        moves.append(float(jnp.linalg.norm(change)))
    assert moves[1] == pytest.approx(moves[0], rel=0.1)
    assert moves[0] > 0.1


@pytest.mark.parametrize(
    "rule",
    [
        optax.adam(0.1),
        optax.rmsprop(0.1),
        optax.sign_sgd(0.1),
        optax.chain(optax.clip(1.0), optax.sgd(0.1)),
        optax.chain(optax.clip_by_block_rms(0.1), optax.sgd(0.1)),
    ],
    ids=["adam", "rmsprop", "signs", "clipped entries", "clipped mean square"],
)
def test_rules_that_treat_entries_apart_are_told(rule, refuses):
    with refuses("not equivariant", "linear_limit is not its limit", "optax.sgd"):
        check_equivariant(rule)


def test_a_rule_with_a_traced_number_is_not_tried():
    rates = jnp.array([0.1, 0.2])

    @jax.vmap
    def scaled(rate):
        check_equivariant(optax.sgd(rate))
        return rate

    np.testing.assert_array_equal(scaled(rates), rates)


def test_errors(refuses, unchecked_types):
    for size in (0, 2.5, True):
        with refuses(f"in_size={size}", "whole number from 1"):
            hl.linear_limit(size, 1)
        with refuses(f"out={size}", "whole number from 1"):
            hl.linear_limit(3, size)
        with refuses(f"width={size}", "whole number from 1"):
            hl.linear_limit(3, 1).sampled(size, key=jax.random.key(0))
    for std in (-1.0, float("nan"), float("inf")):
        with refuses(f"input_std={std}", "0 or a positive"):
            hl.linear_limit(3, 1, input_std=std)
    with refuses("input_std=0 and output_std=0", "at least one"):
        hl.linear_limit(3, 1, input_std=0.0, output_std=0.0)
    with refuses("key=0", "jax.random.key"):
        hl.linear_limit(3, 1).sampled(8, key=0)
    with refuses("no transformation of gradients"):
        check_equivariant("sgd")
    with refuses("more than gradients"):
        check_equivariant(optax.scale_by_polyak())
