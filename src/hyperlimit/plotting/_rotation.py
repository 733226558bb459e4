"""The picture of the rotation study."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.figure import Figure


class AccuracyCurve(NamedTuple):
    """Accuracies after each epoch, over seeds.

    Attributes:
        label: in the legend.
        test: the mean on new examples.
        bounds: its interval, (low, high).
        train: the mean on training examples.
    """

    label: str
    test: Float[np.ndarray, " e"]
    bounds: Float[np.ndarray, "2 e"]
    train: Float[np.ndarray, " e"]


def rotation_figure(
    panels: Mapping[int, Sequence[AccuracyCurve]], *, chance: float
) -> Figure:
    """Accuracy over epochs, a panel for each depth of g and a line for each width."""
    figure = Figure(
        figsize=(3.6 * len(panels) + 0.8, 4.3), layout="constrained", dpi=150
    )
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (depth, curves) in zip(axes, panels.items(), strict=True):
        for index, curve in enumerate(curves):
            colour = colormaps["viridis"](0.85 * index / max(1, len(curves) - 1))
            epochs = np.arange(1, len(curve.test) + 1)
            axis.fill_between(epochs, *curve.bounds, color=colour, alpha=0.2, lw=0)
            axis.plot(epochs, curve.test, color=colour, label=curve.label)
            axis.plot(epochs, curve.train, color=colour, linewidth=0.9, linestyle="--")
        axis.axhline(chance, color="0.5", linewidth=0.8, linestyle=":")
        axis.set_title(f"depth {depth} of g", fontsize=10)
        axis.set_xlabel("epoch")
        axis.set_ylim(0, 1)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("accuracy, mean and 95% over seeds")
    axes[-1].plot([], [], "--", color="0.4", linewidth=0.9, label="in training")
    axes[-1].plot([], [], ":", color="0.5", linewidth=0.8, label="chance")
    for axis in axes:
        # Below: curves may be anywhere in the panel.
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16)}
        axis.legend(frameon=False, fontsize=8, ncols=2, **below)
    return figure
