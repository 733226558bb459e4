"""Who the other processes are: said by a launcher, by a cluster, or nobody."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from hyperlimit.distributed import Rank, _environment, initialize
from hyperlimit.distributed._initialize import cluster

ROOT = Path(__file__).parents[2]
STEP = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_NODELIST": "localhost",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
}
SLURM = STEP | {"SLURM_NTASKS": "2"}
OPEN_MPI = {
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://127.0.0.1:34911",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_RANK": "0",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
}


def test_alone_there_is_one_rank():
    assert initialize() == Rank(0, 1)
    assert not jax.distributed.is_initialized()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (SLURM, "Slurm"),
        (SLURM | {"SLURM_STEP_NUM_TASKS": "1"}, None),
        (SLURM | {"SLURM_NTASKS": "1"}, None),
        (STEP | {"SLURM_STEP_NUM_TASKS": "2"}, "Slurm"),
        (STEP, None),
        ({k: v for k, v in SLURM.items() if k != "SLURM_PROCID"}, None),
        (OPEN_MPI, "Open MPI"),
        (OPEN_MPI | {"OMPI_COMM_WORLD_SIZE": "1"}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None),
    ],
)
def test_clusters_are_told_apart(environment, expected):
    assert cluster(environment) == expected


def test_a_place_is_read_as_it_was_written():
    for device in (None, 3):
        place = _environment.Place("127.0.0.1:1234", 5, 2, 1, 7, device)
        assert _environment.read(place.written()) == place
    assert _environment.read({"HOME": "/"}) is None


@pytest.mark.long
@pytest.mark.parametrize("kind", ["Slurm", "a step of Slurm", "Open MPI"])
def test_a_cluster_is_joined_by_what_it_says(kind):
    """Two tasks with the environment of a job step, and JAX's own reading of it."""
    code = "from hyperlimit.distributed import session\nwith session() as r: print(*r)"
    ranks = []
    for number in range(2):
        task = {"SLURM_PROCID": str(number), "SLURM_LOCALID": str(number)}
        given = {
            "Slurm": SLURM | task,
            "a step of Slurm": STEP | {"SLURM_STEP_NUM_TASKS": "2"} | task,
            "Open MPI": OPEN_MPI
            | {
                "OMPI_COMM_WORLD_RANK": str(number),
                "OMPI_COMM_WORLD_LOCAL_RANK": str(number),
            },
        }[kind]
        port = {"JAX_COORDINATOR_PORT": str(PORTS[kind])}
        ranks.append(
            subprocess.Popen(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **given, **port},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
    try:
        said = [rank.communicate(timeout=60)[0].decode() for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    assert [text.splitlines()[-1] for text in said] == ["0 2 0", "1 2 0"]


PORTS = {
    kind: _environment.free_port("127.0.0.1")
    for kind in ("Slurm", "a step of Slurm", "Open MPI")
}
