"""Sizes against width on logarithmic axes, with the slopes that theory expects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray


@final
@dataclass(frozen=True)
class ScalingPanel:
    """What one panel shows, for r orders and w widths.

    Attributes:
        title: what is measured.
        width: the name of the horizontal axis.
        widths: w of them.
        medians: (r, w), with their intervals from `low` to `high`.
        slopes: as fitted, for each order.
        theory: as expected; None where nothing is.
    """

    title: str
    width: str
    widths: tuple[int, ...]
    medians: NDArray
    low: NDArray
    high: NDArray
    slopes: tuple[float, ...]
    theory: tuple[float | None, ...]


def scaling_figure(panels: Sequence[ScalingPanel]) -> Figure:
    """One panel a case: medians with intervals, and dashed lines of theory's slopes.

    The dashed lines go through the geometric means of the medians: their slope alone is
    theory's.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(
        figsize=(4.4 * columns, 3.1 * rows + 0.3), layout="constrained", dpi=150
    )
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        _draw(axis, panel)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[::columns]:
        axis.set_ylabel(r"median of $|K^{(r)}|$")
    return figure


def _draw(axis: Axes, panel: ScalingPanel) -> None:
    widths = np.asarray(panel.widths, np.float64)
    centred = np.log(widths) - np.log(widths).mean()
    for index, (median, slope, expected) in enumerate(
        zip(panel.medians, panel.slopes, panel.theory, strict=True)
    ):
        colour = f"C{index}"
        spread = [median - panel.low[index], panel.high[index] - median]
        label = f"r = {index + 1}: {slope:.2f}"
        if expected is not None:
            # Zero, not minus zero.
            label += f" ({expected + 0.0:g})"
            middle = np.exp(np.log(median).mean())
            axis.plot(widths, middle * np.exp(expected * centred), "--", color=colour)
        axis.errorbar(
            widths, median, spread, fmt="o", color=colour, markersize=4, label=label
        )
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(widths, [f"{width:g}" for width in widths])
    axis.minorticks_off()
    axis.set_xlabel(panel.width)
    axis.set_title(panel.title, fontsize=10)
    axis.legend(
        frameon=False,
        fontsize=8,
        title="slope (theory)",
        title_fontsize=8,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        handletextpad=0.2,
    )
    axis.spines[["top", "right"]].set_visible(False)
