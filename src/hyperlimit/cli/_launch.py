"""`hyperlimit launch`."""

import sys
from typing import Annotated

import typer

from hyperlimit.distributed import launch as run

Option = typer.Option


def launch(
    command: Annotated[
        list[str],
        typer.Argument(
            help="After --: a command of hyperlimit and its options, or a Python file "
            "and its arguments."
        ),
    ],
    processes: Annotated[int, Option(help="How many ranks.")] = 2,
    restarts: Annotated[
        int, Option(help="How often all may start again after one has died.")
    ] = 0,
) -> None:
    """Run a command as several ranks on this machine.

    Only the first of them prints and writes.
    """
    python = [sys.executable]
    if not command[0].endswith(".py"):
        python += ["-m", "hyperlimit.cli"]
    raise typer.Exit(run([*python, *command], processes=processes, restarts=restarts))
