"""`hyperlimit study`."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from hyperlimit.cli._progress import TerminalReporter
from hyperlimit.errors import InputError

Option = typer.Option


class StudyCommand(TyperCommand):
    """The command whose help lists the studies, which are imported for it alone."""

    def format_help(self, ctx, formatter) -> None:
        """Writes the help page with the list of studies below it."""
        from hyperlimit.studies import all_studies

        lines = [f"{study.name}: {study.summary}." for study in all_studies()]
        self.epilog = "\n\n".join(["Studies:", *lines])
        super().format_help(ctx, formatter)


def study(
    name: Annotated[
        str | None, typer.Argument(help="Which study. Without one they are listed.")
    ] = None,
    quick: Annotated[
        bool, Option("--quick", help="Small settings: less than a minute.")
    ] = False,
    seed: Annotated[
        int | None, Option(help="Of all random numbers, in place of the study's own.")
    ] = None,
    precision: Annotated[
        str | None, Option(help="float32 or float64, in place of the study's own.")
    ] = None,
    data: Annotated[
        str | None,
        Option(
            help="Data in place of the study's own: the folder of Omniglot's archives "
            "for few-shot, a text or its name for word2vec."
        ),
    ] = None,
    out: Annotated[
        Path | None, Option(help="The folder for the results; out/NAME by default.")
    ] = None,
) -> None:
    """Repeat an experiment: what theory expects beside what is measured.

    Writes figure.png and results.json.
    """
    import jax

    from hyperlimit.cli._findings import print_findings, print_studies
    from hyperlimit.studies import all_studies, run_study
    from hyperlimit.studies import study as named

    if name is None:
        print_studies(all_studies())
        return
    chosen = named(name)
    wanted = chosen.precision if precision is None else precision
    if wanted not in ("float32", "float64"):
        raise InputError(f"--precision {wanted} was given: give float32 or float64.")
    # Before the study makes its first array.
    jax.config.update("jax_enable_x64", wanted == "float64")
    folder = Path("out") / name if out is None else out
    results = run_study(
        chosen, folder, TerminalReporter(), quick=quick, seed=seed, data=data
    )
    print_findings(results, folder)
