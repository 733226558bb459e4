"""Joining the other processes of a program."""

import importlib.util
import os
import threading
from collections.abc import Mapping
from typing import NamedTuple

import jax

from hyperlimit.distributed import _environment
from hyperlimit.distributed._ending import ORPHANED

# Seconds for all to arrive, and until one that says nothing counts as dead. A rank
# that dies is noticed at once by those that wait for its numbers.
_ARRIVAL, _SILENCE = 120, 30
# How many tasks a step of Slurm has, and how many its job was asked for.
_STEP, _TASKS = "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"


class Rank(NamedTuple):
    """A process among those of one program.

    Attributes:
        number: which, from 0.
        count: of how many.
        attempt: how often the program was started anew after a death.
    """

    number: int
    count: int
    attempt: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the rank that prints and writes."""
        return self.number == 0


def initialize() -> Rank:
    r"""Joins the other processes of this program, if there are any.

    Must come before anything that JAX computes. Where `hyperlimit launch` or
    `run_on_dask` started this process, they have said who the others are; in a job
    step of Slurm or Open MPI with several tasks, or an indexed Kubernetes job, JAX
    finds out itself; anywhere else this does nothing, and there is one rank. Calling it
    again does nothing.

    Cost: 1 to 6 seconds for several ranks.

    Raises:
        RuntimeError: JAX's, if others do not arrive, or JAX has computed already.

    Examples:
        >>> initialize()
        Rank(number=0, count=1, attempt=0)
    """
    place = _environment.read()
    if jax.distributed.is_initialized():
        attempt = place.attempt if place else 0
        return Rank(jax.process_index(), jax.process_count(), attempt)
    if place is not None:
        _hold(place.lifeline)
        jax.config.update("jax_enable_preemption_service", False)
        jax.distributed.initialize(
            place.coordinator,
            place.count,
            place.number,
            None if place.device is None else [place.device],
            cluster_detection_method="deactivate",
            initialization_timeout=_ARRIVAL,
            heartbeat_timeout_seconds=_SILENCE,
            coordinator_bind_address=place.coordinator,
        )
        return Rank(place.number, place.count, place.attempt)
    kind = cluster()
    if kind is None:
        return Rank(0, 1)
    if kind == "Slurm":
        # JAX reads this one alone, and not every step has it.
        os.environ.setdefault(_TASKS, os.environ.get(_STEP, "1"))
    # Else a signal to end is taken for a notice, and the rank goes on.
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        initialization_timeout=_ARRIVAL, heartbeat_timeout_seconds=_SILENCE
    )
    return Rank(jax.process_index(), jax.process_count())


def cluster(environment: Mapping[str, str] = os.environ) -> str | None:
    """Which cluster's job of several tasks this process is in, by what JAX reads."""
    slurm = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")
    if all(name in environment for name in slurm):
        # An interactive shell inside an allocation is one task, whatever was asked for.
        several = environment.get(_STEP, environment.get(_TASKS, "1"))
        return "Slurm" if int(several) > 1 else None
    if "OMPI_MCA_orte_hnp_uri" in environment:
        return "Open MPI" if int(environment["OMPI_COMM_WORLD_SIZE"]) > 1 else None
    inside = "KUBERNETES_SERVICE_HOST" in environment
    if inside and "JOB_COMPLETION_INDEX" in environment:
        return "Kubernetes" if importlib.util.find_spec("kubernetes") else None
    return None


def _hold(lifeline: int) -> None:
    """Ends this process when whoever started it is gone."""

    def wait() -> None:
        # Nothing is ever written: reading returns when the other end has closed.
        os.read(lifeline, 1)
        os._exit(ORPHANED)

    threading.Thread(target=wait, name="hyperlimit-lifeline", daemon=True).start()
