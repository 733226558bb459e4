"""Results as a person reads them."""

from pathlib import Path

from rich.console import Console
from rich.table import Table


def print_completion(metrics: dict, out: Path) -> None:
    """Prints the table of errors, best first, and where everything is."""
    console = Console(highlight=False, soft_wrap=True)
    images, config = metrics["images"], metrics["config"]
    height, width, _ = images["shape"]
    console.print(
        f"{images['name']}: {images['train']} images of {height}x{width} learnt "
        f"({images['known_values']:,} known pixels), {images['test']} completed, "
        f"seen: {config['observe']}"
    )
    own = {"ntk": "hyperkernel (ours)", "nngp": "GP kernel (ours)"}
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    table.add_column("hidden pixels, MSE", justify="right")
    table.add_column("all pixels, MSE", justify="right")
    rows = sorted(metrics["errors"].items(), key=lambda row: row[1]["hidden"])
    for name, row in rows:
        spread = row["hidden_standard_error"]
        style = "bold" if name in own else ""
        table.add_row(
            own.get(name, name),
            f"{row['hidden']:.4f} ± {spread:.4f}",
            f"{row['all']:.4f}",
            style=style,
        )
    console.print(table)
    if metrics["conditioned_on_own_pixels"]:
        console.print("each completion is conditioned on its image's own seen pixels")
    fit = metrics["calibration"]
    console.print(
        f"error bars: {fit['coverage']['0.68']:.0%} of hidden pixels inside the 68% "
        f"interval, {fit['coverage']['0.95']:.0%} inside the 95% one"
    )
    seconds = metrics["seconds"]
    console.print(
        f"{seconds['fit']:.1f} s to fit by {metrics['solve']['method']}, "
        f"{metrics['peak_memory_bytes'] / 2**30:.1f} GiB at the peak; "
        f"results in {out}/"
    )


def print_prediction(metrics: dict, out: Path) -> None:
    """Prints how many images were completed, and where they are."""
    console = Console(highlight=False, soft_wrap=True)
    error = metrics["errors_against_given"]["hidden"]
    console.print(
        f"{metrics['images']['count']} images completed in {out}/completed/; against "
        f"what the files hold where the model does not look: MSE {error:.4f}"
    )
