"""Progress of a training."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

Told = Callable[[int, float], None]


@contextmanager
def told(progress: bool | Told, total: int) -> Generator[Told]:
    """What to call with the steps that are done and the latest loss.

    The caller's own function; or a bar, if there is a terminal; or nothing.
    """
    if callable(progress):
        yield progress
    elif not progress or not sys.stderr.isatty():
        yield lambda steps, loss: None
    else:
        # Rich is imported only where there is something to show.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("training", total=total, loss="")

            def update(steps: int, loss: float) -> None:
                bar.update(task, completed=steps, loss=f"loss {loss:.3g}")

            yield update
