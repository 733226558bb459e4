"""What is measured at several widths, beside the limit of infinite width."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class LimitCurve(NamedTuple):
    """Values over the width, and those of the limit.

    Attributes:
        label: in the legend.
        widths: w of them.
        means: one for each width, and last that of the limit.
        bounds: their intervals, (low, high).
    """

    label: str
    widths: tuple[int, ...]
    means: Float[np.ndarray, " w+1"]
    bounds: Float[np.ndarray, "2 w+1"]


def widths_figure(
    panels: Mapping[str, Sequence[LimitCurve]],
    levels: Mapping[str, tuple[str, float]] | None = None,
) -> Figure:
    """A panel for each quantity: points over the width, limits as lines with bands.

    Args:
        panels: curves by what is measured.
        levels: for some panels a level to compare with: its name and its value.
    """
    figure = Figure(
        figsize=(3.6 * len(panels) + 0.4, 4.0), layout="constrained", dpi=150
    )
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    entries = {}
    colours: dict[str, str] = {}
    for axis, (quantity, curves) in zip(axes, panels.items(), strict=True):
        for curve in curves:
            colour = colours.setdefault(curve.label, f"C{len(colours)}")
            _draw(axis, curve, colour)
        if levels and quantity in levels:
            label, value = levels[quantity]
            axis.axhline(value, color="0.3", linewidth=1.2, linestyle=":", label=label)
        widths = sorted({width for curve in curves for width in curve.widths})
        axis.set_xscale("log", base=2)
        axis.set_xticks(widths, [str(width) for width in widths])
        axis.minorticks_off()
        axis.set_xlabel("width")
        axis.set_title(quantity, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        lines, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, lines, strict=True))
    # Below: curves and lines may be anywhere in the panels.
    figure.legend(
        entries.values(),
        entries.keys(),
        loc="outside lower center",
        ncols=len(entries),
        frameon=False,
        fontsize=8,
    )
    return figure


def _draw(axis: Axes, curve: LimitCurve, colour: str) -> None:
    spread = np.abs(curve.bounds - curve.means)
    if curve.widths:
        axis.errorbar(
            curve.widths,
            curve.means[:-1],
            spread[:, :-1],
            fmt="o-",
            color=colour,
            markersize=4,
            linewidth=0.9,
            capsize=2,
            label=curve.label,
        )
    axis.axhline(
        curve.means[-1],
        color=colour,
        linewidth=0.9,
        linestyle="--",
        label=f"{curve.label}, infinite width",
    )
    axis.axhspan(*curve.bounds[:, -1], color=colour, alpha=0.15, linewidth=0)
