"""The picture of the study of the pi-limit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

_COLOURS = {"limit": "C3", "pi": "C3", "muP": "C0", "kernel": "0.45"}


class Method(NamedTuple):
    """How good a way to classify is.

    Attributes:
        name: in the legend.
        kind: "kernel", "limit", "pi" or "muP".
        width: of a network; None for what is infinitely wide.
        accuracy: in the mean.
        bounds: its interval, (low, high).
    """

    name: str
    kind: str
    width: int | None
    accuracy: float
    bounds: tuple[float, float]


def pi_limit_figure(
    methods: Sequence[Method],
    widths: Sequence[int],
    distances: Float[np.ndarray, "w s"],
) -> Figure:
    """Accuracy over the width, with infinite ones as bands; distances to the limit."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2)
    styles = iter(["--", ":"])
    for one in (m for m in methods if m.width is None):
        colour = _COLOURS[one.kind]
        style = "-" if one.kind == "limit" else next(styles)
        left.axhline(one.accuracy, color=colour, linestyle=style, label=one.name)
        left.axhspan(*one.bounds, color=colour, alpha=0.12, lw=0)
    for kind, label in (("pi", "pi, finite width"), ("muP", "muP, finite width")):
        them = [m for m in methods if m.kind == kind and m.width is not None]
        means = np.array([m.accuracy for m in them])
        bounds = np.array([m.bounds for m in them])
        left.errorbar(
            [m.width for m in them],
            means,
            yerr=np.abs(bounds.T - means),
            color=_COLOURS[kind],
            marker="o",
            capsize=3,
            label=label,
        )
    left.set_xscale("log", base=2)
    left.set_xlabel("width")
    left.set_ylabel("test accuracy, mean and 95% over seeds")
    medians = np.median(distances, axis=1)
    right.plot(widths, distances, ".", color="C3", alpha=0.35)
    right.plot(widths, medians, "-o", color="C3", label="median over draws")
    line = medians[0] * (np.asarray(widths) / widths[0]) ** -0.5
    right.plot(widths, line, ":", color="0.3", label="width to the power -1/2")
    right.set_xscale("log", base=2)
    right.set_yscale("log")
    right.set_xlabel("width")
    right.set_ylabel("distance from the limit's outputs")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
    return figure
