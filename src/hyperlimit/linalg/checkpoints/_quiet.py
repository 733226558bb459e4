"""Reading and writing without what Orbax says: what matters is told in our words."""

import gc
import logging
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def quiet() -> Generator[None]:
    """Without what Orbax writes to the log."""
    log = logging.getLogger("absl")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def quiet_reading(folder: Path) -> Generator[None]:
    """Without tracebacks of the files in a folder that cannot be read.

    Orbax reads all arrays at once and leaves with the first that fails. The others
    fail later, in threads of their own and when they are collected, so that where
    reading raises nothing is heard of them afterwards either.
    """
    log, name = logging.getLogger("asyncio"), str(folder)
    before = sys.unraisablehook

    def heard(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return "never retrieved" not in text or name not in text

    def unraisable(given: Any) -> None:
        late = isinstance(given.exc_value, RuntimeError) and given.object is None
        if not (late and str(given.exc_value) == "Event loop is closed"):
            before(given)

    log.addFilter(heard)
    sys.unraisablehook = unraisable
    with quiet():
        yield
    log.removeFilter(heard)
    if sys.unraisablehook is unraisable:
        sys.unraisablehook = before


def forget() -> None:
    """Collects what a reading that has failed left, coroutines that never ran too."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited")
        gc.collect()
