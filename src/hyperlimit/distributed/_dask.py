"""Ranks on the workers of a Dask cluster."""

import importlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hyperlimit.distributed._ending import (
    WRONG_INPUT,
    Ending,
    culprit,
    last_lines,
)
from hyperlimit.distributed._environment import Place, environment_of, free_port
from hyperlimit.distributed._rank_error import RankError
from hyperlimit.errors import InputError

# Bytes of a function and its arguments, which travel with every attempt.
_LARGEST = 2**25
# Seconds: between two looks, and until what is left of a gang has been ended.
_LOOK, _GRACE = 0.1, 20.0


class _Report(NamedTuple):
    """What a worker says of its rank."""

    ending: Ending
    answer: bytes | None


def run_on_dask(
    client: Any,
    function: Callable[..., Any],
    *args: Any,
    processes: int = 2,
    restarts: int = 3,
    timeout: float = 60.0,
) -> Any:
    r"""Runs a function as ranks on the workers of a Dask cluster, one on each.

    Every rank is a fresh process beside its worker, already joined to the others
    (`session`), so that its death leaves the worker as it was. When a rank or a worker
    dies the other ranks are ended, and all start again, on workers that are alive: the
    function takes up its own checkpoint, which every worker must be able to read. Dask
    carries the function and its arguments, once an attempt, and the answer; what ranks
    say to each other goes by JAX's collectives.

    Args:
        client: a `distributed.Client`.
        function: called by every rank as `function(*args)`; what rank 0 returns is the
            answer.
        args: small; large arrays belong in files that ranks open themselves.
        processes: how many ranks, at most as many as there are workers.
        restarts: how often the gang may be started again.
        timeout: seconds to wait for as many workers.

    Returns:
        The answer of rank 0.

    Raises:
        InputError: if Dask is not installed, arguments are large, there are too few
            workers, or the function raises an InputError.
        RankError: if a rank dies more often than is allowed.
    """
    dask = _module("distributed")
    payload = _module("cloudpickle").dumps((function, args))
    if len(payload) > _LARGEST:
        raise InputError(
            f"the function and its arguments take {len(payload) / 2**20:.0f} MiB, more "
            f"than {_LARGEST // 2**20}: write arrays to a file that ranks can open."
        )
    if processes < 1 or restarts < 0:
        raise InputError(
            f"{processes} processes and {restarts} restarts were asked for: give at "
            "least 1 and 0."
        )
    for attempt in range(restarts + 1):
        workers = _workers(client, dask, processes, timeout)
        found = _attempt(client, dask, payload, workers, attempt)
        if isinstance(found, bytes):
            return pickle.loads(found)
        if isinstance(found, Ending) and found.status == WRONG_INPUT:
            raise InputError(found.said.rpartition("error: ")[2] or str(found))
    raise RankError(f"{found}, {restarts} restarts later") from (
        RuntimeError(found.said) if isinstance(found, Ending) and found.said else None
    )


def _attempt(
    client: Any, dask: ModuleType, payload: bytes, workers: list[str], attempt: int
) -> bytes | Ending | str:
    """The answer, the ending of the rank that died, or which worker is gone."""
    host = urlsplit(workers[0]).hostname or "127.0.0.1"
    name, count = f"hyperlimit-{uuid.uuid4().hex}", len(workers)
    over = dask.Event(name, client=client)
    port = client.submit(free_port, host, **_only(workers[0], f"{name}-port"))
    around = f"[{host}]" if ":" in host else host
    try:
        coordinator = f"{around}:{port.result(timeout=_GRACE)}"
    except dask.TimeoutError:
        return f"worker {workers[0]} did not answer in {_GRACE:g} s"
    ranks = [
        client.submit(
            _host_rank,
            payload,
            Place(coordinator, count, number, attempt, -1),
            name,
            **_only(worker, f"{name}-{number}"),
        )
        for number, worker in enumerate(workers)
    ]
    try:
        return _outcome(client, ranks, workers)
    finally:
        over.set()
        latest = time.monotonic() + _GRACE
        alive = _alive(client)
        for rank, worker in zip(ranks, workers, strict=True):
            while not rank.done() and worker in alive and time.monotonic() < latest:
                time.sleep(_LOOK)
                alive = _alive(client)
        client.cancel(ranks, force=True)


def _outcome(client: Any, ranks: list[Any], workers: list[str]) -> bytes | Ending | str:
    while True:
        done = [rank for rank in ranks if rank.done()]
        failed = [rank for rank in done if rank.status != "finished"]
        if failed:
            return f"a worker could not host its rank ({failed[0].exception()!r})"
        reports = [rank.result() for rank in done]
        death = culprit([report.ending for report in reports])
        if death is not None:
            return death
        if len(done) == len(ranks):
            answer = reports[0].answer
            assert answer is not None
            return answer
        gone = [worker for worker in workers if worker not in _alive(client)]
        if gone:
            return f"worker {gone[0]} died with its rank"
        time.sleep(_LOOK)


def _host_rank(payload: bytes, place: Place, name: str) -> _Report:
    """On a worker: runs one rank to its end, or to that of its gang."""
    dask = _module("distributed")
    over = dask.Event(name, client=dask.get_client())
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hyperlimit-") as folder:
        here = Path(folder)
        (here / "call").write_bytes(payload)
        reading, writing = os.pipe()
        try:
            with (here / "errors").open("wb") as errors:
                rank = subprocess.Popen(
                    [sys.executable, "-m", f"{__package__}._rank_process", folder],
                    env=environment_of(place._replace(lifeline=reading)),
                    stdin=subprocess.DEVNULL,
                    stderr=errors,
                    pass_fds=(reading,),
                )
            os.close(reading)
            ended = threading.Event()
            threading.Thread(
                target=_end_with, args=(rank, over, ended), daemon=True
            ).start()
            status = rank.wait()
            ended.set()
        finally:
            os.close(writing)
        said = last_lines((here / "errors").read_bytes())
        answer = here / "answer"
        seconds = time.monotonic() - start
        return _Report(
            Ending(place.number, place.count, status, seconds, said),
            answer.read_bytes() if answer.exists() else None,
        )


def _end_with(rank: subprocess.Popen[bytes], over: Any, ended: threading.Event) -> None:
    """Ends a rank when its gang is over."""
    while not ended.is_set():
        if over.wait(timeout=1):
            rank.kill()
            return


def _workers(
    client: Any, dask: ModuleType, processes: int, timeout: float
) -> list[str]:
    """Addresses of workers that are alive, as many hosts as possible."""
    try:
        client.wait_for_workers(processes, timeout=timeout)
    except dask.TimeoutError as error:
        raise InputError(
            f"{processes} ranks were asked for and {len(_alive(client))} workers are "
            f"there after {timeout:g} s: start as many workers, or ask for fewer ranks."
        ) from error
    seen: dict[str | None, int] = {}
    ranked = []
    for worker in sorted(_alive(client)):
        host = urlsplit(worker).hostname
        seen[host] = seen.get(host, 0) + 1
        ranked.append((seen[host], worker))
    return [worker for _, worker in sorted(ranked)[:processes]]


def _alive(client: Any) -> set[str]:
    # Not by scheduler_info, which another thread of the client renews without workers.
    return set(client.nthreads())


def _only(worker: str, key: str) -> dict[str, Any]:
    """A task of one worker, tried once."""
    return {
        "workers": [worker],
        "allow_other_workers": False,
        "pure": False,
        "retries": 0,
        "key": key,
    }


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"the package {name!r} is not installed: install hyperlimit[cluster]."
        ) from error
