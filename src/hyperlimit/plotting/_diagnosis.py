"""What a diagnosis found, in four panels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray


def diagnosis_figure(
    *,
    layers: Sequence[tuple[str, float, float]],
    trainings: Mapping[str, NDArray],
    baseline: float,
    rates: NDArray,
    shares: NDArray,
    distances: Mapping[str, float],
) -> Figure:
    """Sizes of layers, short trainings, the kernel's spectrum, and distances.

    Args:
        layers: of each its name, the size of its outputs, and what is right.
        trainings: losses of every step, by what was trained.
        baseline: the loss of the best constant.
        rates, shares: of each mode its rate, descending, and its part of the error.
        distances: of kernels, in units of a kernel, by what was changed.
    """
    figure = Figure(figsize=(10, 7), layout="constrained", dpi=130)
    (one, two), (three, four) = figure.subplots(2, 2)
    _sizes(one, layers)
    _losses(two, trainings, baseline)
    _spectrum(three, rates, shares)
    _distances(four, distances)
    for axis in (one, two, three, four):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _sizes(axis: Axes, layers: Sequence[tuple[str, float, float]]) -> None:
    places = np.arange(len(layers))
    names, sizes, targets = zip(*layers, strict=True)
    axis.plot(places, targets, "_", color="0.4", markersize=16, label="right")
    axis.plot(places, sizes, "o", color="C0", label="as it is")
    axis.set_yscale("log")
    axis.set_xticks(places, names, rotation=30, ha="right", fontsize=8)
    axis.set_ylabel("size of outputs (root mean square)")
    axis.set_title("Layer by layer", fontsize=10)
    axis.legend(frameon=False, fontsize=8)


def _losses(axis: Axes, trainings: Mapping[str, NDArray], baseline: float) -> None:
    for number, (name, losses) in enumerate(trainings.items()):
        steps = np.arange(1, len(losses) + 1)
        axis.plot(steps, losses, color=f"C{number}", linewidth=1.2, label=name)
    axis.axhline(baseline, color="0.6", linestyle=":", label="best constant")
    axis.set_yscale("log")
    axis.set_xlabel("step")
    axis.set_ylabel("loss of a batch")
    axis.set_title("Short trainings", fontsize=10)
    axis.legend(frameon=False, fontsize=8)


def _spectrum(axis: Axes, rates: NDArray, shares: NDArray) -> None:
    modes = np.arange(1, len(rates) + 1)
    positive = rates > 1e-12 * rates[0]
    axis.loglog(modes[positive], rates[positive], color="C0")
    axis.set_xlabel("mode of the empirical kernel")
    axis.set_ylabel("rate of decay of its error", color="C0")
    axis.set_title("Spectrum", fontsize=10)
    right = axis.twinx()
    right.plot(modes, np.cumsum(shares), color="C1")
    right.set_ylim(0, 1.02)
    right.set_ylabel("share of the error up to it", color="C1")
    right.spines["top"].set_visible(False)


def _distances(axis: Axes, distances: Mapping[str, float]) -> None:
    names = list(distances)
    places = np.arange(len(names))[::-1]
    axis.barh(places, [distances[name] for name in names], color="C0", height=0.6)
    axis.set_yticks(places, names, fontsize=8)
    axis.set_xlabel("in units of the kernel")
    axis.set_title("How far from a limit, where training is linear", fontsize=10)
