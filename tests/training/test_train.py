"""The loop against one written by hand and a closed form, and what it refuses."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl

KEY = jax.random.key(5)
DRAW = np.random.default_rng(2)
X = jnp.asarray(DRAW.standard_normal((10, 3)), float)
Z = jnp.asarray(DRAW.standard_normal((4, 2)), float)
Y = jnp.asarray(DRAW.standard_normal((10, 4)), float)
LINEAR = eqx.nn.Linear(3, 4, key=KEY)
DESCENT = optax.sgd(0.1)


def hypernetwork(**settings):
    spec = hl.Hypernetwork(
        hl.mlp(depth=2, width=6), hl.mlp(depth=2, width=4, out=1, **settings)
    )
    return hl.init(spec, key=KEY, x=X, z=Z)


def leaves(tree):
    return jax.tree.leaves(eqx.filter(tree, eqx.is_array))


def test_it_is_the_loop_written_by_hand(tolerance):
    """Three rows in a batch of ten: one is left out of each epoch, another each."""
    optimiser, steps, size = optax.sgd(0.05, momentum=0.9), 8, 3
    net = hypernetwork()
    done = hl.train(
        net, (X, Z, Y), key=KEY, steps=steps, batch_size=size, optimiser=optimiser
    )

    @eqx.filter_value_and_grad
    def error(net, x, y):
        pairs = jax.vmap(jax.vmap(net, (None, 0)), (0, None))(x, Z)
        return jnp.mean((pairs[..., 0] - y) ** 2)

    state, losses, seen = optimiser.init(eqx.filter(net, eqx.is_array)), [], []
    shuffling = jax.random.fold_in(KEY, 0)
    for epoch in range(3):
        order = jax.random.permutation(jax.random.fold_in(shuffling, epoch), len(X))
        seen += [sorted(np.asarray(order[:9]).tolist())]
        for rows in order[:9].reshape(3, size):
            if len(losses) == steps:
                break
            value, gradient = error(net, X[rows], Y[rows])
            updates, state = optimiser.update(gradient, state)
            net = eqx.apply_updates(net, updates)
            losses.append(float(value))
    assert seen[0] != seen[1]
    np.testing.assert_allclose(done.losses, losses, rtol=100 * tolerance)
    for one, two in zip(leaves(done.net), leaves(net), strict=True):
        np.testing.assert_allclose(one, two, atol=100 * tolerance)
    assert (done.steps, done.best_step, len(done.validation)) == (8, 8, 0)


def test_all_rows_at_once_are_gradient_descent(tolerance):
    """Of a linear network, in closed form: the error shrinks by I - 2 rate X'X / nk."""
    done = hl.train(LINEAR, (X, Y), key=KEY, epochs=30, optimiser=DESCENT)
    ones = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    start = np.concatenate([LINEAR.weight, LINEAR.bias[:, None]], axis=1).T
    best = np.linalg.lstsq(ones, Y, rcond=None)[0]
    shrinking = np.eye(4) - 0.1 * 2 * ones.T @ ones / Y.size
    after = best + np.linalg.matrix_power(shrinking, 30) @ (start - best)
    np.testing.assert_allclose(done.net.weight, after[:3].T, atol=10 * tolerance)
    np.testing.assert_allclose(done.net.bias, after[3], atol=10 * tolerance)
    first = np.mean((ones @ start - Y) ** 2)
    np.testing.assert_allclose(done.losses[0], first, rtol=10 * tolerance)


def test_points_of_each_x_and_shared_ones(tolerance):
    given = {"key": KEY, "steps": 3, "batch_size": 5, "optimiser": DESCENT}
    net = hypernetwork()
    shared = hl.train(net, (X, Z, Y), **given)
    own = jnp.broadcast_to(Z, (10, *Z.shape))
    each = hl.train(net, (X, own, Y[..., None]), **given)
    np.testing.assert_allclose(shared.losses, each.losses, rtol=100 * tolerance)


def test_as_many_points_as_rows_are_not_cut(tolerance):
    """Ten shared points of ten x: a batch has five x and all ten points."""
    points = jnp.asarray(DRAW.standard_normal((10, 2)), float)
    targets = jnp.asarray(DRAW.standard_normal((10, 10)), float)
    given = {"key": KEY, "steps": 1, "batch_size": 10, "optimiser": DESCENT}
    net = hypernetwork()
    done = hl.train(net, (X, points, targets), **given)
    error = jnp.mean((net.batch(X, points)[..., 0] - targets) ** 2)
    np.testing.assert_allclose(done.losses[0], error, rtol=10 * tolerance)


def test_a_module_that_reads_the_number_of_a_task(refuses):
    module = eqx.nn.MLP(2, "scalar", 3, 1, key=KEY)
    net = hl.hypernetize(
        module,
        where=eqx.nn.Linear,
        meta=hl.mlp(depth=2, width=4),
        embedding=hl.TaskEmbedding(tasks=10, size=2),
        key=KEY,
    )
    tasks = jnp.arange(10)
    adam = optax.adam(0.03)
    done = hl.train(net, (tasks, Z, Y), key=KEY, steps=60, optimiser=adam)
    assert done.losses[-1] < 0.5 * done.losses[0]
    assert isinstance(done.net.primary(3), eqx.nn.MLP)
    with refuses("task 10 does not exist"):
        hl.train(net, (tasks + 1, Z, Y), key=KEY, steps=1)


def test_a_loss_of_ones_own_is_traced_once_and_given_new_keys():
    traced = []

    def loss(net, batch, key):
        traced.append(1)
        noise = 0.1 * jax.random.normal(key, batch["a"].shape)
        return jnp.mean((jax.vmap(net)(batch["a"] + noise) - batch["b"]) ** 2)

    rest = {"key": KEY, "optimiser": optax.sgd(0.0), "loss": loss}
    done = hl.train(LINEAR, {"a": X, "b": Y}, steps=40, **rest)
    once = len(traced)
    assert len(np.unique(done.losses)) == 40
    hl.train(LINEAR, {"a": X, "b": Y}, steps=7, **rest)
    assert len(traced) == once <= 3


def test_only_what_is_chosen_is_trained():
    net = hypernetwork(inputs=hl.FourierFeatures(2.0, count=4))
    before = [np.array(leaf) for leaf in leaves(net)]
    given = {"key": KEY, "steps": 2, "optimiser": optax.adamw(0.1, weight_decay=0.1)}
    done = hl.train(net, (X, Z, Y), **given)
    # Frequencies have no gradient, and do not decay either.
    np.testing.assert_array_equal(done.net.fixed, net.fixed)
    changed = [
        not np.array_equal(one, two)
        for one, two in zip(leaves(done.net), before, strict=True)
    ]
    assert sum(changed) == len(before) - 1
    # Nor is the network that was given any other than before.
    for one, two in zip(leaves(net), before, strict=True):
        np.testing.assert_array_equal(one, two)
    mask = eqx.tree_at(lambda n: n.bias, jax.tree.map(lambda _: False, LINEAR), True)
    half = hl.train(LINEAR, (X, Y), key=KEY, steps=2, trained=mask).net
    np.testing.assert_array_equal(half.weight, LINEAR.weight)
    assert not np.array_equal(half.bias, LINEAR.bias)


class Noisy(eqx.Module):
    """Overfits, and is noisy in training."""

    linear: eqx.nn.Linear
    dropout: eqx.nn.Dropout

    def __init__(self):
        self.linear = eqx.nn.Linear(3, "scalar", key=KEY)
        self.dropout = eqx.nn.Dropout(0.5)

    def __call__(self, x, key=None):
        return self.linear(self.dropout(x, key=key))


def noisy_loss(net, batch, key):
    x, y = batch
    found = jax.vmap(net)(x, jax.random.split(key, len(x)))
    return jnp.mean((found - y) ** 2)


def test_the_network_of_the_least_validation_loss_is_returned(tolerance):
    """Validation data whose best weights lie on the way to those of the training."""
    net, target = Noisy(), jnp.array([3.0, -2.0, 1.0])
    way = net.linear.weight[0] + 0.3 * (target - net.linear.weight[0])
    others = jnp.asarray(DRAW.standard_normal((7, 3)), float)
    validation = (others, others @ way)
    given = {"key": KEY, "batch_size": 3, "validation": validation, "epochs": 200}
    given |= {"loss": noisy_loss, "optimiser": optax.sgd(0.01)}
    done = hl.train(net, (X, X @ target), patience=3, **given)
    looks, values = done.validation.T
    best = int(np.argmin(values))
    # It went on for three more epochs of three steps, and no longer.
    assert len(values) == best + 4 < 200
    assert best > 1
    assert done.best_step == looks[best] == 3 * (best + 1)
    # By hand, without dropout, over all rows at once: batches are of three and one.
    found = jax.vmap(eqx.nn.inference_mode(done.net))(others)
    mean = float(jnp.mean((found - validation[1]) ** 2))
    np.testing.assert_allclose(mean, values[best], rtol=100 * tolerance)


def test_a_function_is_told_how_far_it_is(capfd):
    told = []
    done = hl.train(
        LINEAR, (X, Y), key=KEY, epochs=30, optimiser=DESCENT,
        progress=lambda steps, loss: told.append((steps, loss)),
    )  # fmt: skip
    steps, losses = zip(*told, strict=True)
    assert steps[-1] == 30
    assert list(steps) == sorted(set(steps))
    np.testing.assert_array_equal(losses, done.losses[np.array(steps) - 1])
    hl.train(LINEAR, (X, Y), key=KEY, epochs=30, optimiser=DESCENT)
    # Where there is no terminal there is no bar.
    assert capfd.readouterr() == ("", "")


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    hl.train(LINEAR, (X, Y), key=KEY, epochs=30, optimiser=DESCENT)
    assert "30/30" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": None}, "epochs=None and steps=None"),
        ({"epochs": 3}, "epochs=3 and steps=1"),
        ({"steps": -1}, "steps=-1"),
        ({"batch_size": 11}, "batch_size=11 was given and there are 10 rows"),
        ({"patience": 2}, "patience=2 was given, and no validation data"),
        ({"data": (X, Y[:4])}, "(10, 3), (4, 4)"),
        ({"data": (X, Y[:, :3])}, "gives shape (4,) for one x and the targets"),
        ({"data": (X, Z, Y)}, "cannot be called on these data"),
        ({"data": {"x": X}}, "data is a dict"),
        ({"data": (X, Y, Y[:, 0])}, "x, z and y of shapes"),
        ({"data": (X[:0], Y[:0])}, "no rows"),
        ({"validation": (X, Y[:, :2])}, "the targets have (2,)"),
        ({"trained": lambda leaf: False}, "a Linear has no array to train"),
        ({"trained": (True, False)}, "trained does not fit"),
        ({"key": 3}, "is not a random key"),
        ({"data": (X[:0], Z, Y[:0])}, "no rows"),
        ({"data": ([1.0], Z, Y)}, "x of type list"),
        ({"data": ("some", Y)}, "is no number"),
        ({"data": (X.astype(complex), Y)}, "complex numbers"),
        ({"optimiser": 1e-3}, "optimiser=0.001 is no transformation of gradients"),
        ({"optimiser": optax.lbfgs()}, "needs more than gradients"),
        ({"batch_size": 2.5}, "batch_size=2.5 was given: give a whole number"),
        ({"steps": True}, "steps=True was given: give a whole number"),
        ({"loss": lambda net, batch: 0.0}, "give loss(net, batch, key)"),
        ({"loss": lambda net, batch, key: batch[1]}, "the loss is of shape (10, 4)"),
        ({"loss": lambda net, batch, key: 3}, "one real number"),
        ({"checkpoints": 3}, "checkpoints=3 was given"),
        ({"progress": "yes"}, "progress='yes' was given"),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_what_does_not_fit_is_refused(changes, words, refuses):
    given = {"net": LINEAR, "data": (X, Y), "key": KEY, "steps": 1} | changes
    with refuses(words):
        hl.train(**given)
