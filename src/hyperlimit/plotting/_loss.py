"""A training curve."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure


def loss_figure(
    losses: Sequence[float],
    held_out: Sequence[tuple[int, float]] = (),
    *,
    window: int = 50,
) -> Figure:
    """The loss at every step, its running mean, and (step, loss) on held-out data."""
    values = np.asarray(losses, np.float64)
    steps = np.arange(1, len(values) + 1)
    figure = Figure(figsize=(6, 3.4), layout="constrained", dpi=150)
    axis = figure.subplots()
    axis.plot(steps, values, color="0.75", linewidth=0.8, label="one batch")
    if len(values) >= window:
        mean = np.convolve(values, np.ones(window) / window, mode="valid")
        axis.plot(
            steps[window - 1 :], mean, color="C0", label=f"mean of {window} batches"
        )
    if held_out:
        axis.plot(*zip(*held_out, strict=True), color="C1", label="held-out images")
    axis.set_yscale("log")
    axis.set_xlabel("step")
    axis.set_ylabel("mean squared error")
    # The first steps of a hypernetwork can be orders of magnitude above the rest.
    settled = values[min(10, len(values) - 1) :]
    axis.set_ylim(top=3 * float(settled.max()))
    axis.set_title("Finite hypernetwork in training", fontsize=10)
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
