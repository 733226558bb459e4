"""MAML by hand, by differences, and through a small network in place of a large one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl
from hyperlimit.feature_learning import Tasks, adapted, maml_loss
from hyperlimit.feature_learning._adapted import _descended


def half_square(outputs, targets):
    return jnp.mean((outputs - targets) ** 2) / 2


def cross_entropy(outputs, targets):
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, targets))


@pytest.fixture(scope="module")
def tasks():
    """Three of them: three examples of four numbers, two classes."""
    draw = np.random.default_rng(0)
    x, new = (jnp.asarray(draw.standard_normal((3, k, 4)), float) for k in (3, 2))
    labels = jnp.asarray([[0, 1, 0], [1, 0, 1], [0, 0, 1]])
    return Tasks(x, labels, new, labels[:, 1:])


@pytest.fixture(scope="module")
def net():
    return hl.linear_limit(4, 2, output_std=0.5).sampled(6, key=jax.random.key(0))


def loss_of(tasks, order, steps=3):
    def loss(net):
        return maml_loss(
            net, tasks, loss=cross_entropy, rate=0.3, steps=steps, order=order
        )

    return loss


def test_one_weight_by_hand(tolerance):
    """f = w x: w' = w - r x (w x - y), and the slope of (w' x' - y')^2 / 2."""
    net = eqx.nn.Linear(1, 1, use_bias=False, key=jax.random.key(0))
    w, x, y, x2, y2, rate = float(net.weight[0, 0]), 1.5, 0.4, -0.7, 1.2, 0.2
    parts = (jnp.full((1, 1, 1), value) for value in (x, y, x2, y2))
    one = Tasks(*parts)
    after = w - rate * x * (w * x - y)
    for order, factor in ((1, 1.0), (2, 1 - rate * x * x)):

        @jax.jit
        @jax.value_and_grad
        def slope(net, order=order):
            return maml_loss(net, one, loss=half_square, rate=rate, order=order)

        value, found = slope(net)
        assert float(value) == pytest.approx((after * x2 - y2) ** 2 / 2, rel=tolerance)
        expected = (after * x2 - y2) * x2 * factor
        assert float(found.weight[0, 0]) == pytest.approx(expected, rel=10 * tolerance)


@pytest.mark.float64_only
def test_second_order_is_the_derivative(net, tasks):
    """Of the loss after three steps, by central differences along random lines."""
    loss = loss_of(tasks, 2)
    slope = jax.jit(jax.grad(loss))(net)
    compiled = jax.jit(loss)
    for seed in range(3):
        draw = np.random.default_rng(seed)
        step = jax.tree.map(lambda a, d=draw: 1e-5 * d.standard_normal(a.shape), net)
        ends = [
            float(compiled(jax.tree.map(lambda a, b, s=sign: a + s * b, net, step)))
            for sign in (-1, 1)
        ]
        along = sum(
            float(jnp.vdot(a, b))
            for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(step), strict=True)
        )
        assert (ends[1] - ends[0]) / 2 == pytest.approx(along, rel=1e-6)


def test_first_order_is_the_slope_at_what_was_learned(net, tasks, tolerance):
    found = jax.jit(jax.grad(loss_of(tasks, 1)))(net)

    @jax.jit
    def at_end(x, y, new_x, new_y):
        end = net
        for _ in range(3):
            slope = jax.grad(lambda n: cross_entropy(jax.vmap(n)(x), y))(end)
            end = jax.tree.map(lambda a, g: a - 0.3 * g, end, slope)
        return jax.grad(lambda n: cross_entropy(jax.vmap(n)(new_x), new_y))(end)

    slopes = [at_end(*task) for task in zip(*tasks, strict=True)]
    expected = jax.tree.map(lambda *leaves: sum(leaves) / 3, *slopes)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=10 * tolerance)
    # And not that of second order.
    second = jax.jit(jax.grad(loss_of(tasks, 2)))(net)
    assert float(jnp.max(jnp.abs(second.first - found.first))) > 1e-2


@pytest.mark.parametrize("order", [1, 2])
def test_the_small_network_stands_for_the_large_one(net, tasks, order, tolerance):
    """`adapted` on the span of the inputs, and descent on the whole matrices."""
    x, y, new_x, _ = (part[0] for part in tasks)

    def outputs(net, descend):
        end = descend(net)
        return jnp.sum(jnp.sin(jax.vmap(end)(new_x)))

    def short(net):
        return adapted(net, x, y, loss=cross_entropy, rate=0.3, steps=4, order=order)

    def whole(net):
        return _descended(net, x, y, cross_entropy, 0.3, 4, order)

    values, slopes = zip(
        *(
            jax.jit(jax.value_and_grad(lambda n, f=f: outputs(n, f)))(net)
            for f in (short, whole)
        ),
        strict=True,
    )
    np.testing.assert_allclose(*values, atol=10 * tolerance)
    for a, b in zip(*map(jax.tree.leaves, slopes), strict=True):
        np.testing.assert_allclose(a, b, atol=10 * tolerance)
    dense, expected = jax.jit(short)(net).dense(), jax.jit(whole)(net)
    for a, b in zip(*map(jax.tree.leaves, (dense, expected)), strict=True):
        np.testing.assert_allclose(a, b, atol=10 * tolerance)


def test_more_inputs_than_numbers_in_one_and_equal_ones(net, tolerance):
    """Where the inputs span everything, or fewer directions than they are."""
    draw = np.random.default_rng(1)
    many = jnp.asarray(draw.standard_normal((6, 4)), float)
    twice = many[jnp.array([0, 0, 1])]
    for x in (many, twice):
        y = jnp.zeros((len(x), 2))

        @jax.jit
        def both(net, x=x, y=y):
            short = adapted(net, x, y, loss=half_square, rate=0.1, steps=2)
            return short.dense(), _descended(net, x, y, half_square, 0.1, 2, 2)

        for a, b in zip(*map(jax.tree.leaves, both(net)), strict=True):
            np.testing.assert_allclose(a, b, atol=10 * tolerance)


@pytest.mark.parametrize("count", [3, 4, 6])
def test_derivatives_in_the_inputs(net, tasks, count, tolerance):
    """First and second, also where the inputs span everything."""
    draw = np.random.default_rng(2)
    x, change = jnp.asarray(draw.standard_normal((2, count, 4)), float)
    y, new_x = jnp.zeros((count, 2)), tasks.new_inputs[0]

    def outputs(descend):
        return lambda x: jnp.sum(jnp.sin(jax.vmap(descend(x))(new_x)))

    def both(function):
        slope = jax.grad(function)
        return jax.jit(lambda x: jax.jvp(slope, (x,), (change,)))(x)

    found = both(
        outputs(lambda x: adapted(net, x, y, loss=half_square, rate=0.1, steps=2))
    )
    expected = both(outputs(lambda x: _descended(net, x, y, half_square, 0.1, 2, 2)))
    for a, b in zip(found, expected, strict=True):
        assert float(jnp.max(jnp.abs(b))) > 0.01
        np.testing.assert_allclose(a, b, atol=100 * tolerance)


def test_wide_networks_meta_train_as_the_limit(tasks):
    """Outer descent through inner descent, both orders: to O(1 / sqrt(width))."""
    limit = hl.linear_limit(4, 2, output_std=0.5)
    wide = limit.sampled(8192, key=jax.random.key(1))
    for order in (1, 2):

        @eqx.filter_jit
        def meta_trained(net, order=order):
            def step(net, _):
                slope = jax.grad(loss_of(tasks, order))(net)
                return jax.tree.map(lambda a, g: a - 0.5 * g, net, slope), None

            end = jax.lax.scan(step, net, None, length=5)[0]
            return jax.vmap(end)(tasks.new_inputs[0])

        expected, found = meta_trained(limit), meta_trained(wide)
        np.testing.assert_allclose(found, expected, atol=0.05)
        assert np.abs(expected).max() > 0.2


class Constant(eqx.Module):
    """The same outputs for every input: its kernel is 1."""

    outputs: jax.Array

    def __call__(self, inputs):
        return self.outputs


@pytest.mark.float64_only
@pytest.mark.parametrize("rate", [1.5, 4.5])
def test_first_order_drives_away_what_all_tasks_share(rate):
    """Outputs a that a step takes to (1 - s) a, with s = rate / 3 for three classes.

    The slope is (1 - s) a / 3, of the second order (1 - s)^2 a / 3: past s = 1 descent
    of the first order increases a.
    """
    x, labels = jnp.ones((1, 3, 1)), jnp.arange(3)[None]
    tasks = Tasks(x, labels, x, labels)
    a = 1e-5 * jnp.array([1.0, -3.0, 2.0])
    for order in (1, 2):
        slope = jax.jit(
            jax.grad(
                lambda net, order=order: maml_loss(
                    net, tasks, loss=cross_entropy, rate=rate, order=order
                )
            )
        )(Constant(a))
        expected = (1 - rate / 3) ** order * a / 3
        np.testing.assert_allclose(slope.outputs, expected, rtol=1e-3)


def test_any_module_keeps_what_is_no_array(tasks):
    net = eqx.nn.MLP(4, 2, 3, 1, key=jax.random.key(0))
    x, y = tasks.inputs[0], tasks.targets[0]
    end = adapted(net, x, y, loss=cross_entropy, rate=0.1, steps=2, order=1)
    assert isinstance(end, eqx.nn.MLP)
    assert end.activation is net.activation
    same = adapted(net, x, y, loss=cross_entropy, rate=0.1, steps=0)
    np.testing.assert_array_equal(same.layers[0].weight, net.layers[0].weight)


def test_errors(net, tasks, refuses, unchecked_types):
    x, y = tasks.inputs[0], tasks.targets[0]
    with refuses("order=3", "1 or 2"):
        adapted(net, x, y, loss=cross_entropy, rate=0.1, order=3)
    for steps in (-1, 1.0, True):
        with refuses(f"steps={steps}", "whole number from 0"):
            adapted(net, x, y, loss=cross_entropy, rate=0.1, steps=steps)
    with refuses("the loss has shape (3, 2)", "scalar"):
        adapted(net, x, y, loss=lambda f, _: f, rate=0.1)
    with refuses("inputs of 4 numbers were expected", "shape (3, 3)"):
        adapted(net, x[:, :3], y, loss=cross_entropy, rate=0.1)
    with refuses("one input of 4 numbers was expected", "shape (3,)"):
        net(x[0, :3])
    with refuses("tasks is a tuple"):
        maml_loss(net, tuple(tasks), loss=cross_entropy, rate=0.1)
    with refuses("[2, 3] tasks", "same number"):
        maml_loss(
            net, tasks._replace(inputs=tasks.inputs[:2]), loss=cross_entropy, rate=0.1
        )
