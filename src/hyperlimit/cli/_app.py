"""The application and how it ends."""

import os
import sys
from contextlib import nullcontext, redirect_stderr, redirect_stdout

import typer
from rich.console import Console

from hyperlimit.cli import _complete, _diagnose, _launch, _predict, _study
from hyperlimit.distributed import session
from hyperlimit.errors import InputError

app = typer.Typer(
    name="hyperlimit",
    help="Infinitely wide hypernetworks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("complete")(_complete.complete)
app.command("diagnose")(_diagnose.diagnose)
app.command("launch")(_launch.launch)
app.command("predict")(_predict.predict)
app.command("study", cls=_study.StudyCommand)(_study.study)


@app.callback()
def _group() -> None:
    """Infinitely wide hypernetworks: functional data from few, incomplete examples."""


def main() -> None:
    """Runs the command; wrong input ends in one sentence and exit status 2."""
    # Set before JAX is imported, which the commands do: its own log is not ours.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        # The program that starts ranks is none of them.
        with nullcontext() if sys.argv[1:2] == ["launch"] else session() as rank:
            if rank is None or rank.first:
                app()
            else:
                with (
                    open(os.devnull, "w") as nowhere,
                    redirect_stdout(nowhere),
                    redirect_stderr(nowhere),
                ):
                    app()
    except InputError as error:
        errors.print(f"[bold red]error:[/] {_escaped(str(error))}")
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("stopped; nothing was written")
        sys.exit(130)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
