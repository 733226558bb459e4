"""The picture of a completion run."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def completions_figure(
    images: NDArray,
    observed: NDArray[np.bool_],
    predicted: NDArray,
    deviation: NDArray,
    *,
    truth_name: str = "truth",
) -> Figure:
    """Rows of seen, completed, true, and predictive standard deviation.

    Args:
        images: the true images, (m, h, w, c).
        observed: what was seen of them, (h, w).
        predicted: (m, p, c).
        deviation: (m, p).
        truth_name: the name of the third row.
    """
    count, height, width, _ = images.shape
    predicted = predicted.reshape(images.shape)
    deviation = deviation.reshape(count, height, width)
    shown = observed[None, :, :, None]
    completed = np.where(shown, images, predicted)
    # What is hidden is drawn in a colour that no grey image has.
    veil = np.array([0.16, 0.20, 0.33])
    seen = np.where(shown, _colour(images), veil)
    rows = {"seen": seen, "completed": completed, truth_name: images}
    hidden_only = np.ma.masked_array(
        deviation, np.broadcast_to(observed, deviation.shape)
    )
    figure = Figure(
        figsize=(1.15 * count + 1.6, 1.15 * 4 * height / width + 0.3),
        layout="constrained",
        dpi=150,
    )
    grid = figure.subplots(
        4, count + 1, squeeze=False, width_ratios=[1.0] * count + [0.08]
    )
    axes, last = grid[:, :count], grid[:, count]
    for row, (name, pictures) in enumerate(rows.items()):
        for axis, picture in zip(axes[row], pictures, strict=True):
            axis.imshow(_colour(picture[None])[0], interpolation="nearest")
        _label(axes[row, 0], name)
    top = float(hidden_only.max()) if hidden_only.count() else 1.0
    for axis, picture in zip(axes[3], hidden_only, strict=True):
        axis.set_facecolor("0.85")
        drawn = axis.imshow(
            picture, cmap="viridis", vmin=0, vmax=top, interpolation="nearest"
        )
    _label(axes[3, 0], "standard\ndeviation")
    for axis in last[:3]:
        axis.set_axis_off()
    figure.colorbar(drawn, cax=last[3])
    for axis in axes.ravel():
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def _colour(pictures: NDArray) -> NDArray:
    clipped = np.clip(pictures, 0, 1)
    return np.repeat(clipped, 3, axis=3) if clipped.shape[3] == 1 else clipped


def _label(axis, name: str) -> None:
    axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
