"""Where descent stops: against the width, by image, and finite against infinite."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

# How a stop is drawn, by its kind: matplotlib's markers, faces and labels.
KINDS = (
    ("x", "0.6", "not verified"),
    ("^", "none", "at a kink"),
    ("o", "none", "local minimum"),
    ("o", "C2", "strict local minimum"),
)


class StopsByWidth(NamedTuple):
    """One curve: shares (widths, draws), averaged over images."""

    name: str
    widths: Sequence[int]
    shares: NDArray


class StopsByImage(NamedTuple):
    """One panel: shares (draws, images), and for each an index into KINDS."""

    title: str
    shares: NDArray
    kinds: NDArray[np.int_]


def stops_figure(
    curves: Sequence[StopsByWidth],
    panels: Sequence[StopsByImage],
    pairs: Mapping[str, tuple[NDArray, NDArray]],
    *,
    floor: float = 1e-6,
) -> Figure:
    """Shares of the variance left at the stop.

    Args:
        curves: against the width of g, every draw a dot.
        panels: by image, every draw a mark of its kind.
        pairs: by name the shares in the limit and of finite networks.
        floor: what is below is drawn there.
    """
    columns = (len(panels) + 3) // 2
    figure = Figure(figsize=(4 * columns, 7), layout="constrained", dpi=120)
    axes = list(figure.subplots(2, columns, squeeze=False).ravel())
    for axis in axes[len(panels) + 2 :]:
        axis.set_axis_off()
    _widths(axes[0], curves, floor)
    _pairs(axes[1], pairs, floor)
    for axis, panel in zip(axes[2:], panels, strict=False):
        _images(axis, panel)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _widths(axis: Axes, curves: Sequence[StopsByWidth], floor: float) -> None:
    for index, curve in enumerate(curves):
        shares, colour = np.fmax(curve.shares, floor), f"C{index}"
        for width, draws in zip(curve.widths, shares, strict=True):
            axis.plot([width] * len(draws), draws, ".", color=colour, alpha=0.25)
        mean = curve.shares.mean(axis=1)
        axis.plot(curve.widths, np.fmax(mean, floor), color=colour, label=curve.name)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("width of g")
    axis.set_ylabel("share of variance left at the stop")
    axis.set_title("f infinitely wide", fontsize=10)
    axis.legend(frameon=False)


def _images(axis: Axes, panel: StopsByImage) -> None:
    draws, images = panel.shares.shape
    across = np.linspace(-0.3, 0.3, draws)[:, None] + np.arange(images)[None]
    for kind, (marker, face, label) in enumerate(KINDS):
        at = panel.kinds == kind
        if at.any():
            axis.scatter(
                across[at],
                panel.shares[at],
                marker=marker,
                s=18,
                facecolors=face if marker != "x" else "0.6",
                edgecolors="C2" if kind else None,
                linewidths=0.8,
                label=label,
            )
    axis.set_ylim(bottom=0)
    axis.set_xticks(range(images))
    axis.set_xlabel("image")
    axis.set_title(panel.title, fontsize=10)
    axis.legend(frameon=False, fontsize=8)


def _pairs(
    axis: Axes, pairs: Mapping[str, tuple[NDArray, NDArray]], floor: float
) -> None:
    axis.plot([floor, 1], [floor, 1], color="0.8", linewidth=0.8)
    for index, (name, (limit, finite)) in enumerate(pairs.items()):
        axis.plot(
            np.fmax(limit.ravel(), floor),
            np.fmax(finite.ravel(), floor),
            ".",
            color=f"C{index}",
            alpha=0.5,
            label=name,
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("f infinitely wide")
    axis.set_ylabel("f of finite width")
    axis.set_title("the same initial weights", fontsize=10)
    axis.legend(frameon=False, fontsize=8)
