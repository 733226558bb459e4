"""Starting the ranks of a program on one machine."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import IO

from hyperlimit.distributed._ending import (
    WRONG_INPUT,
    Ending,
    culprit,
    last_lines,
)
from hyperlimit.distributed._environment import Place, free_port
from hyperlimit.errors import InputError

_HOST = "127.0.0.1"
# Seconds between two looks at the ranks, and from asking them to end to ending them.
_LOOK, _GRACE = 0.02, 2.0
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def launch(
    command: Sequence[str],
    *,
    processes: int,
    restarts: int = 0,
    say: Callable[[str], None] | None = None,
) -> int:
    r"""Runs a command as several ranks on this machine, and waits for them.

    Each is told the address of rank 0 on the loopback, how many there are and which it
    is, for `initialize`; on a machine with accelerators rank k gets the k-th. What rank
    0 prints is shown, what the others print only if they die. When one dies the others
    are ended at once, and all are started again if that is allowed: the command takes
    up its own checkpoint. A signal to end is passed on to all. If this process dies,
    the ranks end themselves.

    Args:
        command: a program and its arguments.
        processes: how many ranks.
        restarts: how often the gang may be started again after a death; wrong input is
            never tried again.
        say: told in one sentence which rank died, and how; by default on the error
            stream.

    Returns:
        The exit status: 0, that of the rank that died, or 128 and a signal's number.

    Raises:
        InputError: for fewer than one process, or a program that is not there.
    """
    if processes < 1 or restarts < 0:
        raise InputError(
            f"{processes} processes and {restarts} restarts were asked for: give at "
            "least 1 and 0."
        )
    say = _to_errors if say is None else say
    with _signals() as received:
        for attempt in range(restarts + 1):
            death = _run(command, processes, attempt, received)
            if received:
                return 128 + received[0]
            if death is None:
                return 0
            if death.number > 0 and death.said:
                say(death.said)
            if death.status == WRONG_INPUT:
                return WRONG_INPUT
            if attempt < restarts:
                say(f"{death}: all start again ({attempt + 1} of {restarts})")
            else:
                say(f"{death}: the others were ended")
    return death.status if death.status > 0 else 128 - death.status


def _run(
    command: Sequence[str], processes: int, attempt: int, received: list[int]
) -> Ending | None:
    """One life of the gang: None if all did their work, or the first death."""
    with ExitStack() as stack:
        coordinator = f"{_HOST}:{free_port(_HOST)}"
        reading, writing = os.pipe()
        stack.callback(os.close, writing)
        ranks, errors = [], []
        try:
            for number in range(processes):
                file = stack.enter_context(tempfile.TemporaryFile())
                place = Place(coordinator, processes, number, attempt, reading, number)
                ranks.append(_started(command, place, file))
                errors.append(file)
        except OSError as error:
            _end(ranks)
            raise InputError(
                f"the program {command[0]!r} cannot be started ({error.strerror}): "
                "give one that can be."
            ) from error
        finally:
            os.close(reading)
        stack.callback(_end, ranks)
        return _first_death(ranks, errors, received)


def _started(
    command: Sequence[str], place: Place, file: IO[bytes]
) -> subprocess.Popen[bytes]:
    first = place.number == 0
    return subprocess.Popen(
        list(command),
        env={**os.environ, **place.written()},
        stdin=subprocess.DEVNULL,
        stdout=None if first else file,
        stderr=None if first else file,
        pass_fds=(place.lifeline,),
        # The terminal's signals come from here, once.
        start_new_session=True,
    )


def _first_death(
    ranks: list[subprocess.Popen[bytes]], errors: list[IO[bytes]], received: list[int]
) -> Ending | None:
    start, passed = time.monotonic(), 0
    latest = float("inf")
    while True:
        statuses = [rank.poll() for rank in ranks]
        for number in received[passed:]:
            for rank in ranks:
                rank.send_signal(number)
        if passed < len(received):
            latest = time.monotonic() + _GRACE
        passed = len(received)
        seconds = time.monotonic() - start
        over = [
            Ending(number, len(ranks), status, seconds)
            for number, status in enumerate(statuses)
            if status is not None
        ]
        death = culprit(over)
        if death is not None and death.status == WRONG_INPUT:
            # The first rank refuses it too, and says so.
            latest = min(latest, start + death.seconds + _GRACE)
        if death is not None and (
            death.status != WRONG_INPUT
            or len(over) == len(ranks)
            or time.monotonic() > latest
        ):
            errors[death.number].seek(0)
            return death._replace(said=last_lines(errors[death.number].read()))
        if len(over) == len(ranks) or time.monotonic() > latest:
            return None
        time.sleep(_LOOK)


def _end(ranks: list[subprocess.Popen[bytes]]) -> None:
    """Asks those that still run to end, and then ends them."""
    for rank in ranks:
        rank.terminate()
    latest = time.monotonic() + _GRACE
    for rank in ranks:
        try:
            rank.wait(max(0.0, latest - time.monotonic()))
        except subprocess.TimeoutExpired:
            rank.kill()
            rank.wait()


@contextmanager
def _signals() -> Generator[list[int]]:
    """The signals to end that have come, in a list; restored at the end."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.signal(number, note) for number in _FORWARDED}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _to_errors(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
