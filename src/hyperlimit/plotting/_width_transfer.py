"""The picture of the study of transfer over widths."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class RateCurve(NamedTuple):
    """Losses over learning rates at one width.

    Attributes:
        label: in the legend.
        rates: r of them.
        losses: for every rate and seed.
    """

    label: str
    rates: Float[np.ndarray, " r"]
    losses: Float[np.ndarray, "r s"]


class ChangeCurve(NamedTuple):
    """How much something changed, over widths."""

    label: str
    widths: tuple[int, ...]
    changes: Float[np.ndarray, " w"]


_TITLES = {"mup": "muP", "standard": "standard parametrisation"}


def width_transfer_figure(
    rates: Mapping[str, Sequence[RateCurve]],
    changes: Mapping[str, Sequence[ChangeCurve]],
) -> Figure:
    """Above: loss over the rate, a line for each width. Below: changes over widths."""
    figure = Figure(figsize=(13, 7.6), layout="constrained", dpi=150)
    above = figure.add_subfigure(figure.add_gridspec(2, 1)[0])
    below = figure.add_subfigure(figure.add_gridspec(2, 1)[1])
    axes = above.subplots(1, len(rates), sharey=True, squeeze=False)[0]
    for axis, (name, curves) in zip(axes, rates.items(), strict=True):
        _draw_rates(axis, curves)
        axis.set_title(_TITLES.get(name, name), fontsize=10)
        axis.set_xlabel("learning rate of Adam")
    axes[0].set_ylabel("training loss over the mean image's")
    axes[-1].legend(
        title="n, m (star: best)",
        frameon=False,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )
    axes = below.subplots(1, len(changes), sharey=True, squeeze=False)[0]
    for axis, (title, curves) in zip(axes, changes.items(), strict=True):
        for index, curve in enumerate(curves):
            relative = curve.changes / curve.changes[0]
            colour = f"C{index % 10}"
            axis.plot(
                curve.widths, relative, "o-", ms=3, color=colour, label=curve.label
            )
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        widths = curves[0].widths
        axis.set_xticks(widths, [str(width) for width in widths])
        axis.minorticks_off()
        axis.axhline(1, color="0.7", lw=0.8, zorder=0)
        name, letter = title.split(": ")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(letter)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(
        "change in a few steps over that at\nthe smallest width (flat is right)"
    )
    axes[-1].legend(
        frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    return figure


def _draw_rates(axis: Axes, curves: Sequence[RateCurve]) -> None:
    for index, curve in enumerate(curves):
        colour = colormaps["viridis"](0.85 * index / max(1, len(curves) - 1))
        # A run that is no better than three mean images is off the picture.
        losses = np.where(curve.losses < 3, curve.losses, np.nan)
        mean = losses.mean(axis=1)
        axis.fill_between(
            curve.rates, losses.min(axis=1), losses.max(axis=1), color=colour, alpha=0.2
        )
        axis.plot(curve.rates, mean, "o-", ms=3, color=colour, label=curve.label)
        if np.isfinite(mean).any():
            best = int(np.nanargmin(mean))
            axis.plot(curve.rates[best], mean[best], "*", ms=13, color=colour)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.spines[["top", "right"]].set_visible(False)
