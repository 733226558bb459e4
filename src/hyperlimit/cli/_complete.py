"""`hyperlimit complete`."""

from pathlib import Path
from typing import Annotated

import typer

from hyperlimit.cli._progress import TerminalReporter
from hyperlimit.cli._size import parsed_size

Option = typer.Option


def complete(
    data: Annotated[
        str,
        Option(
            help="digits, mnist, faces, fashion, or a folder of PNG, JPEG or PGM files."
        ),
    ] = "digits",
    train: Annotated[int, Option(help="How many images to learn from.")] = 500,
    test: Annotated[int, Option(help="How many other images to complete.")] = 100,
    observe: Annotated[
        str,
        Option(
            help="What is seen: top-half, left-half, random:P for the same P pixels of "
            "every image, or a mask image whose bright pixels are seen."
        ),
    ] = "top-half",
    targets: Annotated[
        str,
        Option(
            help="Which pixels of each training image are known as targets: all, or "
            "random:P for P of them."
        ),
    ] = "all",
    seen_targets: Annotated[
        bool,
        Option(
            help="Whether the seen pixels of training images are targets too, besides "
            "the random ones."
        ),
    ] = False,
    own_pixels: Annotated[
        bool,
        Option(
            help="Whether the seen pixels of a new image also condition its "
            "completion; with random targets of up to 12,000 values in all."
        ),
    ] = True,
    kernel: Annotated[str, Option(help="ntk (hyperkernel) or nngp.")] = "ntk",
    meta: Annotated[
        str,
        Option(help="The meta-network: dense, or conv, which reads images as images."),
    ] = "dense",
    meta_depth: Annotated[int, Option(help="Weight layers of the meta-network.")] = 4,
    primary_depth: Annotated[
        int, Option(help="Weight layers of the primary network.")
    ] = 3,
    activation: Annotated[
        str,
        Option(
            help="Of both networks: relu, leaky_relu, abrelu, abs, identity, step, "
            "squared_relu, square, cube, exp, gaussian, erf, gelu, sin, cos, tanh, "
            "softplus or swish."
        ),
    ] = "relu",
    bandwidth: Annotated[
        float | None,
        Option(help="Of the coordinates, in pixels; by default the longer side / 10."),
    ] = None,
    ridge: Annotated[
        float, Option(help="Noise variance in units of the prior variance.")
    ] = 1e-3,
    size: Annotated[
        str | None, Option(help="Resize images: 32, or HEIGHTxWIDTH as 32x24.")
    ] = None,
    seed: Annotated[int, Option(help="Shuffles images and draws masks.")] = 0,
    precision: Annotated[str, Option(help="float32 or float64.")] = "float32",
    compare: Annotated[
        bool,
        Option(
            "--compare",
            help="Also run baselines: the mean image, nearest neighbours, plain NTK "
            "regression, and a finite hypernetwork trained on the same task.",
        ),
    ] = False,
    finite_steps: Annotated[
        int, Option(help="Training steps of the finite hypernetwork.")
    ] = 1000,
    checkpoint: Annotated[
        Path | None,
        Option(
            help="A folder in which an iterative solve is kept every minute: started "
            "again with the same settings, it goes on from there."
        ),
    ] = None,
    out: Annotated[Path, Option(help="The folder for the results.")] = Path("out"),
) -> None:
    """Learn from some images, complete the others from the part that is seen.

    Writes completions.png, metrics.json and model.npz.
    """
    wanted = parsed_size(size)
    import jax

    if precision == "float64":
        jax.config.update("jax_enable_x64", True)
    from hyperlimit.cli._report import print_completion
    from hyperlimit.studies.completion import CompletionConfig
    from hyperlimit.studies.completion import complete as run

    config = CompletionConfig(
        data=data,
        size=wanted,
        train=train,
        test=test,
        observe=observe,
        targets=targets,
        seen_targets=seen_targets,
        own_pixels=own_pixels,
        kernel=kernel,
        meta=meta,
        meta_depth=meta_depth,
        primary_depth=primary_depth,
        activation=activation,
        bandwidth=bandwidth,
        ridge=ridge,
        seed=seed,
        precision=precision,
        finite_steps=finite_steps,
    )
    metrics = run(
        config, out, TerminalReporter(), compare=compare, checkpoint=checkpoint
    )
    print_completion(metrics, out)
