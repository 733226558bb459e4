"""Incomplete targets: 20 random pixels of every image, error against how many images.

The top half of each image is what f reads. Beside the hyperkernel stand the mean image
and the mean of the k nearest images' known pixels, k chosen by leave-one-out; with
--complete all pixels are targets, and plain NTK regression to the whole image stands
there too. Errors are mean
squares over the hidden half of other images. Writes the figure and a table to --out.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from hyperlimit.studies._provenance import peak_memory, provenance
from hyperlimit.studies._reporter import Silent
from hyperlimit.studies.completion import CompletionConfig, complete

# Seconds of the largest fit with known values, and how many that is for.
GOAL, VALUES = 600.0, 100_000
# Of each method: its name in the records, in the figure, and its colour.
METHODS = {
    "ntk": ("hyperkernel", "C3"),
    "nearest neighbours": ("k nearest neighbours", "C0"),
    "NTK vector regression": ("NTK, whole images as vectors", "C2"),
    "mean image": ("mean image", "0.6"),
}


def run(options: argparse.Namespace, count: int, targets: str) -> dict:
    """One completion run: its errors, its seconds, and how it was solved."""
    config = CompletionConfig(
        data=options.data,
        train=count,
        test=options.test,
        targets=targets,
        finite_steps=1,
    )
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        metrics = complete(config, Path(folder, "out"), Silent(), compare=True)
    errors, neighbours = {}, 0
    for name, row in metrics["errors"].items():
        if name.endswith("nearest neighbours"):
            number, name = name.split(" ", 1)
            neighbours = int(number)
        if name in METHODS:
            errors[name] = (row["hidden"], row["hidden_standard_error"])
    return {
        "images": count,
        "targets": targets,
        "values": metrics["images"]["known_values"],
        "errors": errors,
        "neighbours": neighbours,
        "calibration": metrics["calibration"],
        "solve": metrics["solve"],
        "fit_seconds": metrics["seconds"]["fit"],
        "seconds": time.perf_counter() - start,
        "peak_bytes": peak_memory(),
    }


def figure(rows: list[dict], title: str) -> Figure:
    """Error against images, a line a method."""
    drawing = Figure(figsize=(8, 4), layout="constrained")
    axes = drawing.subplots()
    images = list(dict.fromkeys(row["images"] for row in rows))
    for targets in dict.fromkeys(row["targets"] for row in rows):
        some = [row for row in rows if row["targets"] == targets]
        for name, (label, colour) in METHODS.items():
            if name not in some[0]["errors"]:
                continue
            counts = [row["images"] for row in some]
            means, errors = np.array([row["errors"][name] for row in some]).T
            axes.errorbar(
                counts,
                means,
                errors,
                color=colour,
                linestyle="-" if targets != "all" else "--",
                marker="o",
                markersize=4,
                label=f"{label}, {targets.removeprefix('random:')} known",
            )
    axes.set_xscale("log")
    axes.set_xlabel("training images")
    axes.set_ylabel("mean squared error of hidden pixels")
    axes.set_title(title)
    axes.set_xticks(images, [f"{count:,}" for count in images], minor=False)
    axes.minorticks_off()
    drawing.legend(loc="outside right center", fontsize="small")
    return drawing


def main() -> int:
    """Runs all sizes; the exit status is 1 if --check finds the goal missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist")
    parser.add_argument(
        "--images", type=int, nargs="+", default=[250, 500, 1000, 2000, 4750]
    )
    parser.add_argument("--test", type=int, default=250)
    parser.add_argument("--pixels", type=int, default=20)
    parser.add_argument("--complete", action="store_true", help="complete targets too")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    console, rows = Console(width=110), []
    kinds = [f"random:{options.pixels}", *(["all"] if options.complete else [])]
    for targets in kinds:
        for count in options.images:
            rows.append(run(options, count, targets))
            errors = {name: round(e, 4) for name, (e, _) in rows[-1]["errors"].items()}
            console.log(f"{count} images, {targets}: {errors}")
    options.out.mkdir(parents=True, exist_ok=True)
    title = f"{options.data}: upper half seen, {options.test} others completed"
    figure(rows, title).savefig(options.out / "scale_masked.png", dpi=150)
    record = {"rows": rows, "provenance": provenance()}
    (options.out / "scale_masked.json").write_text(json.dumps(record, indent=1) + "\n")
    table = Table(title=title)
    headings = ("images", "known values", "hyperkernel", "k-NN (k)", "NTK vector")
    for name in (*headings, "mean", "fit, s", "steps", "GiB"):
        table.add_column(name, justify="right")
    for row in rows:
        found = {name: f"{error:.4f}" for name, (error, _) in row["errors"].items()}
        table.add_row(
            f"{row['images']:,}",
            f"{row['values']:,}",
            found["ntk"],
            f"{found['nearest neighbours']} ({row['neighbours']})",
            found.get("NTK vector regression", ""),
            found["mean image"],
            f"{row['fit_seconds']:.0f}",
            str(row["solve"]["iterations"]),
            f"{row['peak_bytes'] / 2**30:.1f}",
        )
    console.print(table)
    slow = any(row["values"] <= VALUES and row["fit_seconds"] > GOAL for row in rows)
    return int(options.check and slow)


if __name__ == "__main__":
    sys.exit(main())
