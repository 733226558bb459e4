"""Trainings that are killed, by a signal that no program can catch, and go on."""

import multiprocessing
import signal
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "programs"))

import killed_training


class Trainings:
    """Starts trainings in one folder."""

    def __init__(self, folder, compiled):
        self.folder, self.compiled = folder, str(compiled)
        # What they import is imported once.
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["killed_training"])

    def start(self, met=0):
        listen, told = self.context.Pipe(False)
        double = bool(jax.config.jax_enable_x64)
        given = str(self.folder), self.compiled, double, met, told
        program = self.context.Process(target=killed_training.run, args=given)
        program.start()
        told.close()
        return program, listen

    def finished(self):
        """Runs one to the end; the steps that it told of."""
        program, listen = self.start()
        told = []
        while (steps := heard(listen)) is not None:
            told.append(steps)
        program.join(60)
        assert program.exitcode == 0
        return told

    def killed_in_a_save(self, met):
        """The process ends itself while a state is half written."""
        program, _ = self.start(met)
        program.join(60)
        assert program.exitcode == -signal.SIGKILL
        assert any("tmp" in path.name for path in self.folder.iterdir())

    def killed(self, epochs, wait):
        """Killed from outside some time after so many epochs; False if too late."""
        program, listen = self.start()
        for _ in range(epochs):
            heard(listen)
        time.sleep(wait)
        program.kill()
        program.join(60)
        return program.exitcode == -signal.SIGKILL

    def numbers(self):
        with np.load(str(self.folder) + ".npz") as file:
            return list(file.values())


def heard(listen):
    try:
        return listen.recv() if listen.poll(60) else None
    except EOFError:
        return None


@pytest.fixture
def trainings(tmp_path, tmp_path_factory):
    return Trainings(tmp_path / "run", tmp_path_factory.getbasetemp() / "compiled")


@pytest.fixture(scope="module")
def uninterrupted():
    """The numbers without checkpoints, in this process."""
    return killed_training.numbers(killed_training.trained(None, False))


def same(one, two):
    for a, b in zip(one, two, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_killed_in_a_save_and_elsewhere_it_ends_with_the_same_numbers(
    trainings, uninterrupted
):
    trainings.killed_in_a_save(3)
    assert trainings.killed(2, 0.05)
    rest = trainings.finished()
    # It has gone on, and did not begin anew.
    assert 3 < rest[0] < rest[-1] == 3 * killed_training.EPOCHS
    same(trainings.numbers(), uninterrupted)
    # What was half written is gone, and the two latest states are there.
    assert len([path for path in trainings.folder.iterdir() if path.is_dir()]) == 2


@pytest.mark.long
def test_killed_at_ten_random_moments(trainings, uninterrupted):
    draw = np.random.default_rng(0)
    met = 0
    while met < 10:
        if draw.uniform() < 0.7:
            met += trainings.killed(1, draw.uniform(0, 0.1))
        else:
            # While it starts, reads, or makes the folder.
            met += trainings.killed(0, draw.uniform(0.1, 3.0))
    trainings.finished()
    same(trainings.numbers(), uninterrupted)
