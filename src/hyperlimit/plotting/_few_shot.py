"""The picture of the few-shot study."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class FewShotCurve(NamedTuple):
    """Percent right after some meta-steps, over runs.

    Attributes:
        label: in the legend.
        steps: of meta-training; what does not learn has one value for all.
        mean: over runs.
        bounds: of the mean, (low, high), by the difference to the limit in each run.
    """

    label: str
    steps: Sequence[int]
    mean: Float[np.ndarray, " e"]
    bounds: Float[np.ndarray, "2 e"]


def few_shot_figure(
    by_width: Mapping[int, FewShotCurve],
    limit: FewShotCurve,
    kernels: Mapping[str, FewShotCurve],
    *,
    chance: float,
    title: str,
) -> Figure:
    """Percent right against the width, and against the steps of meta-training.

    Runs differ by how hard their alphabets are, for all alike: intervals are those of
    the differences to the limit.
    """
    figure = Figure(figsize=(9.2, 4.4), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle(title, fontsize=10)
    _against_width(left, by_width, limit, kernels)
    _against_steps(right, by_width, limit)
    for axis in (left, right):
        axis.axhline(chance, color="0.5", linewidth=0.8, linestyle=":")
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylim(bottom=0.9 * chance)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16)}
        axis.legend(frameon=False, fontsize=8, ncols=3, **below)
    left.set_ylabel("percent right\n(95%: of the difference to the limit)")
    return figure


def _against_width(
    axis: Axes,
    by_width: Mapping[int, FewShotCurve],
    limit: FewShotCurve,
    kernels: Mapping[str, FewShotCurve],
) -> None:
    ends = [curve.mean[-1] for curve in by_width.values()]
    bounds = np.stack([curve.bounds[:, -1] for curve in by_width.values()], axis=1)
    spread = np.abs(bounds - np.array(ends)[None])
    axis.set_xscale("log", base=2)
    axis.errorbar(
        list(by_width), ends, spread, fmt="o-", markersize=4, label="finite, muP"
    )
    axis.axhline(limit.mean[-1], color="k", linewidth=1.2, label=limit.label)
    # Under each other where they are nearly equal, so with their bars side by side.
    places = np.geomspace(*axis.get_xlim(), 2 * len(kernels) + 1)[1::2]
    for index, (place, curve) in enumerate(zip(places, kernels.values(), strict=True)):
        colour, style = f"C{index + 1}", (0, (4, 1 + index))
        end, bounds = curve.mean[-1], curve.bounds[:, -1]
        axis.axhline(end, color=colour, ls=style, lw=1.2, label=curve.label)
        axis.errorbar(place, end, np.abs(bounds - end)[:, None], color=colour)
    axis.set_xticks(list(by_width), [str(width) for width in by_width])
    axis.minorticks_off()
    axis.set_xlabel("width of the hidden layer")


def _against_steps(
    axis: Axes, by_width: Mapping[int, FewShotCurve], limit: FewShotCurve
) -> None:
    for index, curve in enumerate(by_width.values()):
        colour = colormaps["viridis"](0.85 * index / max(1, len(by_width) - 1))
        axis.plot(curve.steps, curve.mean, color=colour, label=curve.label)
    axis.plot(limit.steps, limit.mean, color="k", label=limit.label)
    axis.set_xlabel("meta-steps")
