"""Studies and what they found, as a person reads it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hyperlimit.studies import Study

# Of a log, in which a row stays on one line.
_WIDTH = 160
_ANSWERS = {True: "yes", False: "[bold red]no[/]", None: ""}


def print_studies(studies: Sequence[Study]) -> None:
    """Prints every study's name and what it is about."""
    console = _console()
    table = Table(box=None, pad_edge=False)
    table.add_column("study", no_wrap=True)
    table.add_column("what it asks")
    for study in studies:
        table.add_row(study.name, study.summary)
    console.print(table)
    console.print("hyperlimit study NAME runs one, --quick in less than a minute")


def print_findings(results: dict, out: Path) -> None:
    """Prints what was measured beside what was expected, and where everything is."""
    console = _console()
    settings = "quick settings" if results["quick"] else "full settings"
    console.print(
        f"{results['study']}: {results['summary']} ({settings}, seed {results['seed']},"
        f" {results['precision']})"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("finding")
    table.add_column("measured [interval]", justify="right")
    table.add_column("expected")
    table.add_column("agrees")
    rows = results["findings"]
    for row in rows:
        words = (row["what"], _measured(row), row["expected"])
        table.add_row(*map(escape, words), _ANSWERS[row["agrees"]])
    console.print(table)
    judged = [row["agrees"] for row in rows if row["agrees"] is not None]
    console.print(
        f"{sum(judged)} of {len(judged)} expectations met; {results['seconds']:.0f} s; "
        f"figure.png and results.json in {out}/"
    )


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH
    return console


def _measured(row: dict) -> str:
    text = f"{row['measured']:.3g}"
    if row["interval"] is None:
        return text
    low, high = row["interval"]
    return f"{text} [{low:.3g}, {high:.3g}]"
