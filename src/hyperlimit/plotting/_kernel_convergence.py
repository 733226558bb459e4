"""The picture of the study of the empirical kernel."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class Points(NamedTuple):
    """Values over widths, with intervals (low, high)."""

    widths: Int[np.ndarray, " w"]
    values: Float[np.ndarray, " w"]
    bounds: Float[np.ndarray, "w 2"]


class WidthCurve(NamedTuple):
    """Measured values, and what theory has for them.

    Attributes:
        label: in the legend.
        measured: of sampled kernels.
        theory: at the same widths.
        plateau: what is left for infinitely wide f, if anything is.
        networks: of whole networks, if any were drawn.
    """

    label: str
    measured: Points
    theory: Float[np.ndarray, " w"]
    plateau: float | None
    networks: Points | None


class AngleCurve(NamedTuple):
    """Mean and standard deviation over `count` draws, at every angle."""

    label: str
    mean: Float[np.ndarray, " p"]
    deviation: Float[np.ndarray, " p"]
    count: int


def kernel_convergence_figure(
    curves: Sequence[WidthCurve],
    angles: Float[np.ndarray, " p"],
    limit: Float[np.ndarray, "181"],
    bands: Sequence[AngleCurve],
) -> Figure:
    """Relative variance over widths, and the kernel over angles.

    Args:
        curves: those at one width of g each, narrowest first, and the one along n = m.
        angles: in degrees.
        limit: the limit's kernel at every degree.
        bands: the kernel at them, narrowest first.
    """
    figure = Figure(figsize=(10.4, 4.3), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2)
    _widths(left, curves)
    _angles(right, angles, limit, bands)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _widths(axis: Axes, curves: Sequence[WidthCurve]) -> None:
    for index, curve in enumerate(curves):
        colour = "black" if index == len(curves) - 1 else _colour(index, len(curves))
        axis.plot(
            curve.measured.widths, curve.theory, color=colour, linewidth=1, zorder=1
        )
        if curve.plateau is not None:
            axis.axhline(curve.plateau, color=colour, linewidth=0.8, linestyle=":")
        _bars(axis, curve.measured, colour, label=curve.label)
        if curve.networks is not None:
            _bars(axis, curve.networks, colour, whole=True)
    axis.plot([], [], color="0.4", linewidth=1, label="a/n + c²/m, leading order")
    axis.plot(
        [], [], "s", color="0.4", mfc="none", markersize=9, label="whole networks"
    )
    axis.plot([], [], ":", color="0.4", linewidth=0.8, label="c²/m, f infinitely wide")
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("n, width of f")
    axis.set_ylabel("variance of K(u, u) / mean²")
    axis.set_title("The kernel's variance, for each width m of g", fontsize=10)
    # Room for the legend above, and no plateaus below all that is measured.
    bounds = np.concatenate([curve.measured.bounds for curve in curves])
    axis.set_ylim(bounds.min() / 1.5, bounds.max() * 8)
    axis.legend(frameon=False, fontsize=8, ncols=3, loc="upper right")


def _bars(
    axis: Axes, points: Points, colour, *, label: str | None = None, whole: bool = False
) -> None:
    axis.errorbar(
        points.widths,
        points.values,
        yerr=np.abs(points.bounds.T - points.values),
        fmt="s" if whole else "o",
        markersize=9 if whole else 4,
        markerfacecolor="none" if whole else colour,
        color=colour,
        capsize=2,
        linewidth=1,
        label=label,
    )


def _angles(
    axis: Axes,
    angles: Float[np.ndarray, " p"],
    limit: Float[np.ndarray, "181"],
    bands: Sequence[AngleCurve],
) -> None:
    axis.plot(np.arange(181), limit, color="black", linewidth=1.2, label="limit")
    # Beside one another, so that no bar hides another.
    step = 0.2 * (angles[1] - angles[0])
    for index, band in enumerate(bands):
        axis.errorbar(
            angles + step * (index - (len(bands) - 1) / 2),
            band.mean,
            yerr=band.deviation,
            fmt="o",
            markersize=3.5,
            capsize=2,
            linewidth=1,
            color=_colour(index, len(bands)),
            label=band.label,
        )
    axis.set_xticks(np.arange(0, 181, 30))
    axis.set_xlabel("angle between z and z', degrees")
    axis.set_ylabel("K(u, u'),  x = x'")
    count = bands[0].count
    axis.set_title(
        f"Mean and standard deviation of {count:,} draws, f infinitely wide",
        fontsize=10,
    )
    axis.legend(frameon=False, fontsize=8)


def _colour(index: int, count: int) -> tuple[float, float, float, float]:
    return colormaps["viridis"](0.85 * index / max(1, count - 1))
