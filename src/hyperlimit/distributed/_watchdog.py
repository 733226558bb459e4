"""Ending a rank that lives and does nothing."""

import os
import sys
import threading
import time
from typing import final

from jax.experimental import multihost_utils

from hyperlimit.distributed._ending import STUCK
from hyperlimit.errors import InputError


@final
class Watchdog:
    """Ends this process if nothing is reported for a time.

    A rank that is stopped, swaps, or waits for a file system is not dead, and all
    others wait for its numbers: each of them sees no progress and leaves, and whoever
    started the gang ends the rest and starts it again.

    Args:
        seconds: the longest silence, which has to be more than one chunk of iterations
            and its compilation take.

    Raises:
        InputError: for a time that is not positive.

    Examples:
        >>> with Watchdog(60.0) as watch:
        ...     watch.progress(10, 0.5)   # conjugate_gradients(..., progress=...)
    """

    def __init__(self, seconds: float) -> None:
        if not seconds > 0:
            raise InputError(f"seconds={seconds!r} was given: give a positive number.")
        self._seconds = float(seconds)
        self._last = time.monotonic()
        self._over = threading.Event()

    def progress(self, done: int, residual: float) -> None:
        """Takes what a solver reports as a sign of life."""
        self._last = time.monotonic()

    def __enter__(self) -> "Watchdog":
        self._last = time.monotonic()
        threading.Thread(
            target=self._watch, name="hyperlimit-watchdog", daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        while True:
            left = self._last + self._seconds - time.monotonic()
            if left <= 0:
                break
            if self._over.wait(left):
                return
        text = f"no progress for {self._seconds:g} s: this rank ends itself\n"
        # The interpreter may be in the middle of anything.
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
        os._exit(STUCK)


def barrier(name: str, seconds: float) -> None:
    """Waits for all ranks to come here, and ends this one if they do not in time.

    Args:
        name: equal on all ranks.
        seconds: how long to wait.
    """
    with Watchdog(seconds):
        multihost_utils.sync_global_devices(name)
