"""Two processes on this machine, and what they compute together."""

import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from laws import grid_cases
from laws.sharded_cases import CASES, matrix_of, smooth_problem

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]


def launched(*words, processes=2, restarts=0, seconds=150, **environment):
    """What `hyperlimit launch` printed, its exit status, and the seconds it took."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    # What this process has compiled, ranks need not; of theirs the first one's is kept.
    cache = {
        name.upper(): str(getattr(jax.config, name))
        for name in (
            "jax_compilation_cache_dir",
            "jax_persistent_cache_min_compile_time_secs",
            "jax_persistent_cache_min_entry_size_bytes",
            "jax_persistent_cache_enable_xla_caches",
        )
    }
    start = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hyperlimit.cli", "launch"),
            *("--processes", str(processes), "--restarts", str(restarts), "--"),
            *map(str, words),
        ],
        env={**os.environ, "PYTHONPATH": path, **cache, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    return done.stdout.decode(), done.returncode, time.monotonic() - start


def direct():
    """The dense system of the program, solved by NumPy."""
    n, p, ridge = 41, 6, 1e-3
    matrix = matrix_of(*smooth_problem(n, p)[0]) + ridge * np.eye(n * p)
    right = np.random.default_rng(5).standard_normal((n * p, 2))
    right = right.astype(jnp.zeros(()).dtype)
    return np.linalg.solve(matrix, right)


def kept(folder):
    with np.load(folder / "kept.npz") as found:
        assert int(found["stage"]) == 4
        return found["answer"]


def test_two_ranks_solve_what_numpy_solves(tmp_path, epsilon):
    """Streamed operator, preconditioner and conjugate gradients, 41 images on two."""
    said, status, _ = launched(PROGRAMS / "staged_solve.py", tmp_path)
    assert status == 0, said
    assert "rank 0 began with stage 0" in said
    # What the other ranks print is not shown.
    assert "rank 1" not in said
    exact = direct()
    # In double precision 1e-10 of the largest.
    close = {True: 1e-10, False: 3e-3}[epsilon < 1e-10] * np.abs(exact).max()
    np.testing.assert_allclose(kept(tmp_path), exact, atol=close)


@pytest.mark.parametrize(
    ("cases", "devices"),
    [
        (("kept", "some_modes"), 1),
        pytest.param((), 1, marks=pytest.mark.long),
        pytest.param((), 2, marks=pytest.mark.long),
    ],
)
def test_laws_hold_on_two_processes(cases, devices):
    """Of one device each, and of two."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    said, status, _ = launched(PROGRAMS / "laws_of_ranks.py", *cases, XLA_FLAGS=flags)
    assert status == 0, said
    for name in cases or [case.__name__ for case in CASES]:
        assert f"holds: {name}\n" in said


@pytest.mark.long
@pytest.mark.parametrize("where", [0, 1])
def test_a_killed_rank_costs_a_stage(tmp_path, where):
    """Noticed at once, all start again, and the answer is the same to the bit."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    assert launched(PROGRAMS / "staged_solve.py", whole)[1] == 0
    said, status, _ = launched(
        *(PROGRAMS / "staged_solve.py", cut, "SIGKILL", where, 2), restarts=1
    )
    assert status == 0, said
    assert f"rank {where} of 2 was ended by SIGKILL after" in said
    assert "all start again (1 of 1)" in said
    assert "rank 0 began with stage 2" in said
    np.testing.assert_array_equal(kept(cut), kept(whole))


@pytest.mark.long
def test_a_rank_that_stands_still_is_left(tmp_path):
    """It lives, so only the others' silence tells."""
    said, status, _ = launched(
        *(PROGRAMS / "staged_solve.py", tmp_path, "SIGSTOP", 1, 1),
        restarts=1,
        SILENCE="6",
    )
    assert status == 0, said
    assert "no progress for 6 s" in said
    assert "rank 0 of 2 made no progress and ended itself" in said
    assert "rank 0 began with stage 1" in said
    np.testing.assert_allclose(kept(tmp_path), direct(), rtol=0.1)


def test_a_rank_whose_peer_dies_leaves_by_itself(tmp_path):
    """Without anybody who ends it: long before the heartbeat's time is over."""
    program = tmp_path / "peer.py"
    program.write_text(PEER)
    from hyperlimit.distributed._environment import Place, free_port

    place = Place(f"127.0.0.1:{free_port('127.0.0.1')}", 2, 0, 0, -1)
    reading, writing = os.pipe()
    ranks = []
    for number in range(2):
        told = place._replace(number=number, lifeline=reading).written()
        ranks.append(
            subprocess.Popen(
                [sys.executable, str(program)],
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **told},
                stderr=subprocess.PIPE,
                pass_fds=(reading,),
            )
        )
    try:
        assert ranks[1].wait(60) == -9
        start = time.monotonic()
        survivor = ranks[0].wait(60)
        assert time.monotonic() - start < 5
        assert survivor == 75, ranks[0].stderr.read().decode()
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
            rank.stderr.close()
        os.close(reading)
        os.close(writing)


PEER = """
import os, signal
import numpy as np
from hyperlimit.distributed import session
from hyperlimit.linalg.sharded import ImageRows, image_mesh

with session() as rank:
    rows = ImageRows(image_mesh(), 2)
    for turn in range(1000):
        rows.gathered(rows.scattered(np.ones((2, 1), np.float32)))
        if turn == 20 and rank.number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.long
def test_a_solve_that_keeps_its_stages_goes_on(tmp_path):
    """Killed in the middle of its iterations, and the same to the bit."""
    pytest.importorskip("orbax.checkpoint", reason="Orbax is not installed")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    assert launched(PROGRAMS / "kept_solve.py", whole)[1] == 0
    words = (PROGRAMS / "kept_solve.py", cut, "SIGKILL", 1, 30)
    said, status, _ = launched(*words, restarts=1)
    assert status == 0, said
    assert "rank 1 of 2 was ended by SIGKILL" in said
    begun = int(said.split("the first chunk ended at iteration ")[1].split()[0])
    # Anew it would end at 4; how many stages were there whole hangs on the disk.
    assert begun > 4
    answer = np.load(cut / "answer.npy")
    np.testing.assert_array_equal(answer, np.load(whole / "answer.npy"))
    exact = direct()
    np.testing.assert_allclose(answer, exact, atol=1e-2 * np.abs(exact).max())


@pytest.fixture(scope="module")
def regressions(tmp_path_factory):
    """A folder of solves that one process has begun and two have ended, and others
    that two have begun.
    """
    pytest.importorskip("orbax.checkpoint", reason="Orbax is not installed")
    folder = tmp_path_factory.mktemp("regressions")
    for case in grid_cases.CASES:
        grid_cases.begun(case, folder / f"one_{case}")
    said, status, _ = launched(PROGRAMS / "grid_regression.py", folder)
    assert status == 0, said
    return folder


@pytest.mark.parametrize("case", grid_cases.CASES)
def test_a_regression_changes_its_number_of_processes(regressions, case):
    """`regress_grid` from one to two, which share its products, and from two to one;
    every rank is told of its progress and has the answer.
    """
    alone, steps = grid_cases.solved(case)
    ranks = []
    for rank in range(2):
        with np.load(regressions / f"{case}_{rank}.npz") as found:
            ranks.append(dict(found))
    back, rest = grid_cases.solved(case, regressions / f"two_{case}")
    # They have gone on, and did not begin anew.
    assert ranks[0]["told"][0] > steps[0]
    assert rest[0] > steps[0]
    np.testing.assert_array_equal(ranks[0]["told"], ranks[1]["told"])
    np.testing.assert_array_equal(ranks[0]["weights"], ranks[1]["weights"])
    # All are within the tolerance of the answer, on other roundings.
    tolerance = grid_cases.TOLERANCE[str(alone.weights.dtype)]
    close = alone.report.condition * 10 * tolerance
    for weights in (ranks[0]["weights"], back.weights):
        error = np.linalg.norm(weights - alone.weights)
        assert error < close * np.linalg.norm(alone.weights)
