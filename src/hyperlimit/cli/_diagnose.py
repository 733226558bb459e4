"""`hyperlimit diagnose`."""

from pathlib import Path
from typing import Annotated

import typer

Option = typer.Option


def diagnose(
    network: Annotated[
        str,
        typer.Argument(
            help="FILE.py:NAME, a hypernetwork, a description, or a function that "
            "returns one; a function of one argument is given a random key."
        ),
    ],
    data: Annotated[
        str,
        Option(
            help="An .npz file with x, z and y; or mnist, digits, faces or a folder of "
            "images, whose pixels are completed from the upper half."
        ),
    ] = "mnist",
    learning_rate: Annotated[float, Option(help="The one in use.")] = 1e-3,
    optimiser: Annotated[
        str, Option(help="adam, sgd, or another of Optax's that takes a rate.")
    ] = "adam",
    steps: Annotated[int, Option(help="Of each short training.")] = 100,
    draws: Annotated[
        int, Option(help="How many networks are drawn to see how much they differ.")
    ] = 6,
    seed: Annotated[int, Option(help="Of all random numbers.")] = 0,
    out: Annotated[Path, Option(help="The folder for the report.")] = Path("out"),
) -> None:
    """Say why a hypernetwork does not train, and what to change first.

    Prints a report, and writes diagnosis.html, which has it with figures.
    """
    import jax
    import optax
    from rich.console import Console

    import hyperlimit as hl
    from hyperlimit.cli._progress import TerminalReporter
    from hyperlimit.data import whole_files
    from hyperlimit.diagnosis import data_from, dtype_like, network_from

    rule = getattr(optax, optimiser, None)
    if not callable(rule):
        raise hl.InputError(
            f"--optimiser {optimiser} is not one of Optax's: give adam or sgd, say."
        )
    reporter, key = TerminalReporter(), jax.random.key(seed)
    with whole_files(out) as folder:
        with reporter.stage("reading"):
            net, draw = network_from(network, key)
            arrays = dtype_like(data_from(data), net)
        with reporter.stage("measuring and trying"):
            found = hl.diagnose(
                net,
                arrays,
                learning_rate=learning_rate,
                optimiser=rule,
                steps=steps,
                draw=draw,
                draws=draws,
                key=key,
            )
            (folder / "diagnosis.html").write_text(found.html(), encoding="utf-8")
    found.show(Console(highlight=False))
    Console(highlight=False).print(f"\nwith figures: {out}/diagnosis.html")
