"""`hyperlimit predict`."""

from pathlib import Path
from typing import Annotated

import typer

from hyperlimit.cli._progress import TerminalReporter


def predict(
    model: Annotated[Path, typer.Argument(help="The model.npz of a completion run.")],
    images: Annotated[Path, typer.Argument(help="A folder of images to complete.")],
    out: Annotated[Path, typer.Option(help="The folder for the results.")] = Path(
        "predicted"
    ),
    resize: Annotated[
        bool, typer.Option("--resize", help="Resize images to the model's size.")
    ] = False,
) -> None:
    """Complete new images with a saved model.

    Writes completed/NAME.png for every image, completions.png and metrics.json.
    """
    import jax

    from hyperlimit.cli._report import print_prediction
    from hyperlimit.studies.completion import predict as run
    from hyperlimit.studies.completion import stored_precision

    if stored_precision(model) == "float64":
        jax.config.update("jax_enable_x64", True)
    metrics = run(model, images, out, TerminalReporter(), resize=resize)
    print_prediction(metrics, out)
