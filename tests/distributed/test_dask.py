"""Ranks on the workers of a real Dask cluster on this machine."""

import importlib
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from hyperlimit.distributed import RankError, run_on_dask
from hyperlimit.errors import InputError

# By a module of its own: this folder has Dask's name, and pytest puts it on the path.
pytest.importorskip("distributed.client", reason="needs hyperlimit[cluster]")
dask = importlib.import_module("distributed")
PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def client():
    # Dask's own warnings are not this package's.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            dask.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            dask.Client(cluster) as client,
        ):
            client.run(added_to_path, [str(PROGRAMS), str(PROGRAMS.parents[1])])
            yield client


def added_to_path(entries):
    import sys

    sys.path[:0] = entries


def place():
    import os

    from hyperlimit.distributed import initialize

    return (*initialize(), os.getppid())


def summed(numbers):
    """Every rank's part of a sum, in a process of its own."""
    import numpy as np

    from hyperlimit.linalg.sharded import ImageRows, image_mesh

    rows = ImageRows(image_mesh(), len(numbers))
    part = rows.scattered(np.asarray(numbers, np.float32)[:, None])
    return rows.ranks, float((part * 2).sum())


def killed(what, folder, rank, attempts):
    """Ends a rank, or the worker above it, in the first lives of the gang."""
    import os
    import signal
    from pathlib import Path

    from hyperlimit.distributed import barrier, initialize

    this = initialize()
    Path(folder, f"{this.attempt}-{this.number}").touch()
    if this.attempt < attempts and this.number == rank:
        if what == "input":
            from hyperlimit.errors import InputError

            raise InputError("'nowhere' is no file: give one")
        os.kill(os.getppid() if what == "worker" else os.getpid(), signal.SIGKILL)
    barrier("all here", 30.0)
    return this.attempt


@pytest.mark.long
def test_one_rank_on_each_worker(client):
    workers = client.run(os.getpid)
    number, count, attempt, parent = run_on_dask(client, place)
    assert (number, count, attempt) == (0, 2, 0)
    assert parent in workers.values()


@pytest.mark.long
def test_ranks_compute_together(client):
    assert run_on_dask(client, summed, [1.0, 2.0, 3.0]) == (2, 12.0)


def test_a_killed_rank_leaves_its_worker_alive(client, tmp_path):
    before = client.run(os.getpid)
    found = run_on_dask(client, killed, "rank", str(tmp_path), 1, 1, restarts=1)
    assert found == 1
    assert client.run(os.getpid) == before
    assert {path.name for path in tmp_path.iterdir()} == {"0-0", "0-1", "1-0", "1-1"}


@pytest.mark.long
def test_a_killed_worker_is_done_without(client, tmp_path):
    before = set(client.run(os.getpid).values())
    found = run_on_dask(client, killed, "worker", str(tmp_path), 1, 1, restarts=2)
    assert found >= 1
    client.wait_for_workers(2, timeout=30)
    assert set(client.run(os.getpid).values()) != before
    client.run(added_to_path, [str(PROGRAMS), str(PROGRAMS.parents[1])])


@pytest.mark.long
def test_deaths_are_counted(client, tmp_path):
    with pytest.raises(RankError, match=r"^rank 0 of 2 was ended by SIGKILL after"):
        run_on_dask(client, killed, "rank", str(tmp_path), 0, 5, restarts=1)
    assert {path.name[0] for path in tmp_path.iterdir()} == {"0", "1"}


def test_wrong_input_is_not_tried_again(client, tmp_path):
    with pytest.raises(InputError, match="'nowhere' is no file"):
        run_on_dask(client, killed, "input", str(tmp_path), 1, 5)
    assert {path.name[0] for path in tmp_path.iterdir()} == {"0"}


@pytest.mark.long
def test_a_solve_goes_on_where_it_was(client, tmp_path):
    """The gang's answer is that of ranks that nobody killed."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    answer, begun = run_on_dask(client, solve, whole)
    assert begun == 0
    again, begun = run_on_dask(client, solve, cut, "SIGKILL", 1, 2)
    assert begun == 2
    np.testing.assert_array_equal(again, answer)


def solve(*arguments):
    from staged_solve import solved

    return solved(*arguments)


def test_what_cannot_be_run_is_refused(client, refuses):
    with refuses("40 MiB", "more than 32"):
        run_on_dask(client, len, bytes(40 * 2**20))
    with refuses("3 ranks were asked for and 2 workers"):
        run_on_dask(client, place, processes=3, timeout=1.0)
    with refuses("0 processes"):
        run_on_dask(client, place, processes=0)
