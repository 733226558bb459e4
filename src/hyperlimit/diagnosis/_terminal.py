"""A diagnosis on the terminal."""

import io
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hyperlimit.diagnosis._report import Section


def print_sections(console: Console, name: str, found: Iterable[Section]) -> None:
    """Prints headings, tables and sentences."""
    console.print(f"[bold]Diagnosis of {escape(name)}[/]")
    for section in found:
        console.print(f"\n[bold]{escape(section.title)}[/]")
        if section.rows:
            table = Table(box=None, pad_edge=False)
            for number, column in enumerate(section.columns):
                justify = "left" if number < 2 else "right"
                table.add_column(column, justify=justify, overflow="fold")
            for row in section.rows:
                table.add_row(*map(escape, row))
            console.print(table)
        for sentence in section.sentences:
            console.print(escape(sentence))


def as_text(name: str, found: Iterable[Section]) -> str:
    """The same as plain text, 100 columns wide."""
    text = io.StringIO()
    console = Console(file=text, width=100, highlight=False, no_color=True)
    print_sections(console, name, found)
    return text.getvalue()
