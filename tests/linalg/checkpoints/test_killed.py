"""Solves that are killed, by a signal that no program can catch, and started again."""

import multiprocessing
import signal
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "programs"))

import killed_solve


class Solves:
    """Starts solves in one folder."""

    def __init__(self, folder, compiled):
        self.folder, self.compiled = folder, str(compiled)
        # What they import is imported once.
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["killed_solve"])

    def start(self, met=0):
        listen, told = self.context.Pipe(False)
        double = bool(jax.config.jax_enable_x64)
        given = str(self.folder), self.compiled, double, met, told
        program = self.context.Process(target=killed_solve.run, args=given)
        program.start()
        told.close()
        return program, listen

    def finished(self):
        """Runs one to the end; the iterations that it told of."""
        program, listen = self.start()
        told = []
        while (used := heard(listen)) is not None:
            told.append(used)
        program.join(60)
        assert program.exitcode == 0
        return told

    def killed_in_a_save(self, met):
        """The process ends itself while a stage is half written."""
        program, _ = self.start(met)
        program.join(60)
        assert program.exitcode == -signal.SIGKILL
        assert any("tmp" in path.name for path in self.folder.iterdir())

    def killed(self, chunks, wait):
        """Killed from outside some time after so many chunks; False if too late."""
        program, listen = self.start()
        for _ in range(chunks):
            heard(listen)
        time.sleep(wait)
        program.kill()
        program.join(60)
        return program.exitcode == -signal.SIGKILL

    def answer(self):
        return np.load(str(self.folder) + ".npy")


def heard(listen):
    try:
        return listen.recv() if listen.poll(60) else None
    except EOFError:
        return None


@pytest.fixture
def solves(tmp_path, tmp_path_factory):
    return Solves(tmp_path / "solve", tmp_path_factory.getbasetemp() / "compiled")


@pytest.fixture(scope="module")
def uninterrupted():
    """The answer without a keeper, in this process, and what was told."""
    told = []
    found = killed_solve.solved(lambda used, residual: told.append(used))
    return np.asarray(found.vectors), told


def test_killed_in_a_save_and_elsewhere_it_ends_with_the_same_answer(
    solves, uninterrupted
):
    answer, chunks = uninterrupted
    solves.killed_in_a_save(3)
    assert solves.killed(2, 0.05)
    rest = solves.finished()
    # It has gone on, and did not begin anew: the first of three stages was whole.
    assert rest[0] > chunks[0]
    assert rest[-1] == chunks[-1]
    assert solves.answer().dtype == answer.dtype
    np.testing.assert_array_equal(solves.answer(), answer)
    # What was half written is gone, and the two latest stages are there.
    assert len([path for path in solves.folder.iterdir() if path.is_dir()]) == 2


@pytest.mark.long
def test_killed_at_fifteen_random_moments(solves, uninterrupted):
    draw = np.random.default_rng(0)
    met = 0
    while met < 15:
        if draw.uniform() < 0.7:
            met += solves.killed(1, draw.uniform(0, 0.1))
        else:
            # While it starts, reads, or makes the folder.
            met += solves.killed(0, draw.uniform(0.1, 1.5))
    solves.finished()
    np.testing.assert_array_equal(solves.answer(), uninterrupted[0])
