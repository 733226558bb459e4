"""What is kept of a training, and what a folder must hold to go on."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl
from hyperlimit.linalg.operators import Dense
from hyperlimit.linalg.solvers import conjugate_gradients

DRAW = np.random.default_rng(4)
X, Y = DRAW.standard_normal((9, 2)), DRAW.standard_normal((9, 1))
NET = eqx.nn.Linear(2, 1, key=jax.random.key(0))
NOISE = optax.chain(optax.sgd(0.1), optax.add_noise(0.1, 0.5, jax.random.key(3)))


def huber(net, batch, key):
    x, y = batch
    return jnp.mean(optax.huber_loss(jax.vmap(net)(x), y))


def run(folder=None, steps=12, **changes):
    given = {
        "net": NET,
        "data": (X, Y),
        "key": jax.random.key(1),
        "batch_size": 2,
        "optimiser": NOISE,
        "checkpoints": folder,
    }
    return hl.train(**(given | changes), steps=steps)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A folder of a training that was to make seven steps."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    run(folder, steps=7)
    return folder


def test_more_steps_go_on_where_fewer_ended(tmp_path):
    """In the middle of the second epoch, with a random key in the optimiser's state."""
    first, told = run(tmp_path / "run", steps=7), []
    more = run(tmp_path / "run", progress=lambda steps, loss: told.append(steps))
    assert told[0] > 7
    whole = run()
    assert more.steps == whole.steps == 12
    np.testing.assert_array_equal(more.losses, whole.losses)
    np.testing.assert_array_equal(more.losses[:7], first.losses)
    np.testing.assert_array_equal(more.net.weight, whole.net.weight)
    assert more.seconds > first.seconds
    # Once more it returns what it has.
    again = run(tmp_path / "run")
    np.testing.assert_array_equal(again.net.weight, whole.net.weight)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": (X, 2 * Y)}, "its data has other values"),
        ({"data": (X[:8], Y[:8])}, "its data has arrays of other shapes"),
        ({"key": jax.random.key(2)}, "its key has other values"),
        ({"batch_size": 3}, "its batch size is 2 and not 3"),
        ({"loss": huber}, "its loss, its optimiser or the network's functions"),
        ({"optimiser": optax.adam(0.1)}, "its optimiser has arrays of other"),
        (
            {"optimiser": optax.chain(optax.sgd(0.2), NOISE)},
            "its loss, its optimiser or the network's functions are others",
        ),
        ({"validation": (X, Y)}, "its validation data has arrays of other shapes"),
        (
            {"net": eqx.nn.Linear(2, 1, key=jax.random.key(9))},
            "its network has other values",
        ),
        ({"steps": 5}, "holds 7 steps and 5 were asked for"),
    ],
)
def test_another_problem_is_refused(ended, changes, words, refuses):
    with refuses(words):
        run(ended, **changes)


def test_the_folder_of_a_solve_is_refused(tmp_path, refuses):
    keeper = hl.Checkpoints(tmp_path / "solve", seconds=0.0)
    conjugate_gradients(
        Dense(jnp.eye(3)), jnp.ones((3, 1)), tolerance=1e-3, keeper=keeper
    )
    with refuses("holds a solve and no training"):
        run(tmp_path / "solve")


def test_a_training_that_fails_leaves_the_last_good_state(tmp_path, refuses):
    blowing = optax.sgd(lambda count: jnp.where(count < 8, 0.1, jnp.inf))
    folder = hl.Checkpoints(tmp_path / "run", seconds=0.0)
    with refuses("step 9, of loss"):
        run(folder, optimiser=blowing)
    good = run(tmp_path / "run", steps=8, optimiser=blowing)
    np.testing.assert_array_equal(good.losses, run(steps=8, optimiser=blowing).losses)


@pytest.mark.parametrize("damage", ["a bit", "missing"])
def test_the_state_before_is_taken_if_the_latest_is_damaged(tmp_path, damage):
    folder = tmp_path / "run"
    run(folder, steps=3)
    run(folder, steps=7)
    last = max(int(path.name) for path in folder.iterdir() if path.is_dir())
    for path in (folder / str(last) / "stage").rglob("d/*"):
        held = bytearray(path.read_bytes())
        held[len(held) // 2] ^= 0x10
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(held)
    with pytest.warns(UserWarning, match="not readable"):
        found = run(folder)
    np.testing.assert_array_equal(found.losses, run().losses)
