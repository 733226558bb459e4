"""What is kept of a solve, and what a folder must hold to go on."""

import gc
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.errors import InputError
from hyperlimit.linalg.checkpoints import Checkpoints
from hyperlimit.linalg.checkpoints._digest import digests
from hyperlimit.linalg.operators import Dense, Shifted
from hyperlimit.linalg.solvers import conjugate_gradients

SIZE = 60
DRAW = np.random.default_rng(7)
BASIS = np.linalg.qr(DRAW.standard_normal((SIZE, SIZE)))[0]
RIGHT = DRAW.standard_normal((SIZE, 2))


def operator(ridge=0.01, dtype=float):
    matrix = BASIS @ np.diag(np.geomspace(1e-2, 1, SIZE)) @ BASIS.T
    return Shifted(Dense(jnp.asarray(matrix, dtype)), jnp.asarray(ridge, dtype))


def inverse():
    """Nearly: of another diagonal."""
    values = 1 / (np.geomspace(1e-2, 1, SIZE) + 0.03)
    return Dense(jnp.asarray(BASIS @ np.diag(values) @ BASIS.T, float))


def solved(folder, *, most=1000, tolerance=1e-4, told=None, **changes):
    given = {
        "operator": operator(),
        "right": jnp.asarray(RIGHT, float),
        "preconditioner": None,
    } | changes
    keeper = None if folder is None else Checkpoints(folder, seconds=0.0)
    return conjugate_gradients(
        **given,
        tolerance=tolerance,
        most_iterations=most,
        chunk=5,
        progress=None if told is None else lambda used, _: told.append(used),
        keeper=keeper,
    )


@pytest.fixture
def ended(tmp_path):
    """A folder of a solve that was allowed too few iterations."""
    with pytest.raises(InputError, match="allow more iterations"):
        solved(tmp_path / "solve", most=15)
    return tmp_path / "solve"


def stages(folder):
    return sorted(int(path.name) for path in folder.iterdir() if path.is_dir())


def test_the_last_stage_of_a_solve_that_was_not_done_is_there(ended):
    told = []
    found, whole = solved(ended, told=told), solved(None)
    assert told[0] == 20
    for one, two in zip(found, whole, strict=True):
        np.testing.assert_array_equal(one, two)
    told = []
    again = solved(ended, told=told)
    assert told == []
    for one, two in zip(again, whole, strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_tolerance_goes_on_from_the_answer(ended):
    """More digits than were asked for take the rest of the iterations."""
    first, told = solved(ended), []
    finer = solved(ended, tolerance=1e-5, told=told)
    assert finer.residual <= 1e-5 < first.residual
    assert finer.iterations.max() > first.iterations.max()
    assert told[0] > first.iterations.max()


def test_a_right_hand_side_in_double_precision_keeps_its_digits(tmp_path):
    """Whatever JAX's own default is."""
    with jax.enable_x64(True):
        right = jnp.asarray(RIGHT, jnp.float64)
    given = {"operator": operator(dtype=jnp.float32), "right": right}
    with pytest.raises(InputError, match="allow more iterations"):
        solved(tmp_path / "solve", most=25, tolerance=1e-10, **given)
    found = solved(tmp_path / "solve", tolerance=1e-10, **given)
    whole = solved(None, tolerance=1e-10, **given)
    assert found.vectors.dtype == np.float64
    np.testing.assert_array_equal(found.vectors, whole.vectors)


def test_stages_lie_in_the_placement_of_the_first(tmp_path):
    given = operator()
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:1]), ("images",))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("images"))
    right = jax.device_put(jnp.asarray(RIGHT, float), rows)
    with pytest.raises(InputError):
        solved(tmp_path / "solve", most=10, operator=given, right=right)
    seen = []

    def restored(self, system, first):
        found = original(self, system, first)
        seen.append([(a.sharding, b.sharding) for a, b in pairs(found, first)])
        return found

    def pairs(*trees):
        leaves = (jax.tree.leaves(eqx.filter(t, eqx.is_array)) for t in trees)
        return [
            both for both in zip(*leaves, strict=True) if isinstance(both[0], jax.Array)
        ]

    original = Checkpoints.restored
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "restored", restored)
        solved(tmp_path / "solve", operator=given, right=right)
    assert len(seen[0]) == 8
    assert any(isinstance(one, jax.sharding.NamedSharding) for one, _ in seen[0])
    assert all(one == two for one, two in seen[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"right": RIGHT[::-1]}, "right-hand side has other values"),
        ({"right": RIGHT[:, :1]}, "shape [60, 2] and not [60, 1]"),
        ({"operator": operator(0.02)}, "its ridge is"),
        ({"operator": Dense(operator().operator.matrix * 1.01)}, "its ridge is"),
        ({"preconditioner": inverse()}, "name none and not Dense"),
    ],
)
def test_another_system_is_refused(ended, changes, words, refuses):
    if "right" in changes:
        changes = changes | {"right": jnp.asarray(changes["right"], float)}
    with refuses("another system", words, str(ended)):
        solved(ended, **changes)


def test_other_entries_are_refused(ended, refuses):
    matrix = operator().operator.matrix
    other = Shifted(Dense(matrix.at[:, 8].multiply(1.1)), operator().shift)
    # Column 8 is among those that are looked at, or the draw has changed.
    with refuses("another system", "entries of its operator differ by"):
        solved(ended, operator=other)


@pytest.mark.parametrize("damage", ["cut short", "a bit", "missing"])
def test_the_stage_before_is_taken_if_the_latest_is_damaged(
    ended, damage, caplog, capfd
):
    last = max(stages(ended))
    data = [path for path in (ended / str(last) / "stage").rglob("d/*")]
    for path in data:
        held = bytearray(path.read_bytes())
        held[len(held) // 2] ^= 0x10
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(held if damage == "a bit" else held[: len(held) // 2])
    told = []
    with pytest.warns(UserWarning, match="not readable"):
        found = solved(ended, told=told)
    # Nor does Orbax say so again, when its threads end and are collected.
    gc.collect()
    printed = capfd.readouterr()
    assert (caplog.text, printed.out, printed.err) == ("", "", "")
    assert 5 < told[0] < 20
    np.testing.assert_array_equal(found.vectors, solved(None).vectors)


@pytest.mark.filterwarnings("ignore:the checkpoint:UserWarning")
def test_no_readable_stage_is_said(ended, refuses):
    for path in ended.rglob("stage/**/*"):
        if path.is_file():
            path.write_bytes(b"")
    with refuses("none of the checkpoints [", str(ended), "remove the folder"):
        solved(ended)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("photo.png", "", "'photo.png'"),
        ("problem.json", "{", "'problem.json'"),
        ("problem.json", '{"format": 9, "problem": {}}', "the format 9"),
    ],
)
def test_a_folder_that_holds_other_things_is_left_alone(
    tmp_path, name, text, words, refuses
):
    (tmp_path / name).write_text(text)
    with refuses(words, str(tmp_path)):
        solved(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_is_no_folder(tmp_path, refuses):
    (tmp_path / "file").write_text("")
    with refuses("is a file"):
        solved(tmp_path / "file")


def test_settings_are_checked(tmp_path, refuses):
    with refuses("seconds=-1.0"):
        Checkpoints(tmp_path, seconds=-1.0)


def test_a_failed_solve_leaves_nothing_half_written(tmp_path, refuses):
    with refuses("not positive definite"):
        solved(tmp_path / "solve", operator=operator(-0.5))
    assert not [path for path in (tmp_path / "solve").iterdir() if "tmp" in path.name]


def test_other_versions_are_told_of(ended):
    about = next((ended / str(max(stages(ended))) / "about").glob("metadata"))
    held = json.loads(about.read_text())
    held["versions"]["jax"] = "0.0.1"
    about.write_text(json.dumps(held))
    with pytest.warns(UserWarning, match=r"written with jax 0\.0\.1"):
        solved(ended)


def test_a_digest_sees_one_bit_and_the_order():
    array = jnp.asarray(RIGHT, float)
    first = digests(array)
    assert digests(jnp.asarray(RIGHT, float)) == first
    assert digests(array[::-1]) != first
    assert digests(array.at[3, 1].set(-array[3, 1])) != first
    assert digests(np.asarray(array)) != digests(np.asarray(array)[::-1])
    words = np.asarray(array).view(np.uint32).reshape(-1).astype(object)
    by_hand = sum((2 * i + 1) * int(w) for i, w in enumerate(words)) % 2**32
    assert first == [by_hand]
