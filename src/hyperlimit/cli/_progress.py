"""Progress on the terminal."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from hyperlimit.cli._time_left import TimeLeft


class TerminalReporter:
    """Shows each stage with a bar or a spinner, and the time it has taken."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def stage(
        self, name: str, total: int | None = None
    ) -> Generator[Callable[[int, str], None]]:
        """Opens a stage; the update takes how many are done and a remark."""
        columns = (
            SpinnerColumn(finished_text="[green]:heavy_check_mark:[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            Elapsed(),
            TextColumn("{task.fields[remark]}"),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=total, remark="")

            def update(done: int, remark: str) -> None:
                unit = f"step {done}, " if total is None else ""
                progress.update(task, completed=done, remark=unit + remark)

            try:
                yield update
            except BaseException:
                # No half-done line above the sentence that says what is wrong.
                progress.remove_task(task)
                progress.live.stop()
                # Else it prints an empty line where there is no terminal.
                progress.disable = True
                raise
            progress.update(task, total=total or 1, completed=total or 1)

    @contextmanager
    def solve(
        self, name: str, tolerance: float
    ) -> Generator[Callable[[int, float], None]]:
        """Opens an iterative solve; what it yields is a solver's `progress`.

        Shows the iteration, the residual as the iteration itself carries it on (the
        true one is computed at the end, and said with the answer), and the time left.
        """
        left, start = TimeLeft(tolerance), time.monotonic()
        with self.stage(name) as update:

            def progress(iterations: int, residual: float) -> None:
                left.add(time.monotonic() - start, residual)
                update(iterations, remark(residual, tolerance, left.seconds))

            yield progress


def remark(residual: float, tolerance: float, seconds: float | None) -> str:
    """A solve's residual, what is wanted, and how long that takes."""
    known = ""
    if seconds is not None:
        known = f", {timedelta(seconds=round(seconds))} left"
    return f"residual {residual:.0e} of {tolerance:.0e}{known}"
