"""Progress on the terminal."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed


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
                raise
            progress.update(task, total=total or 1, completed=total or 1)
