"""How good completions and their error bars are."""

import numpy as np
from numpy.typing import NDArray

# Standard normal quantiles of central intervals.
_LEVELS = {"0.68": 0.9944579, "0.95": 1.9599640}


def errors(
    predicted: NDArray, truth: NDArray, hidden: NDArray[np.bool_]
) -> dict[str, float]:
    """Mean squared errors over hidden pixels and over all, for images (m, p, c).

    `hidden_standard_error` is the standard error of the first over images.
    """
    square = (predicted.astype(np.float64) - truth) ** 2
    per_image = square[:, hidden].mean(axis=(1, 2))
    spread = per_image.std(ddof=1) if len(per_image) > 1 else float("nan")
    return {
        "hidden": float(per_image.mean()),
        "hidden_standard_error": float(spread / len(per_image) ** 0.5),
        "all": float(square.mean()),
    }


def calibration(
    predicted: NDArray, variance: NDArray, truth: NDArray, hidden: NDArray[np.bool_]
) -> dict[str, object]:
    """Whether errors are as large as the predictive variance says, on hidden pixels.

    `chi_squared` is the mean of error^2 / variance, one if calibrated;
    `coverage` the share of pixels inside central intervals of the stated level.
    """
    wrong = (predicted - truth)[:, hidden].astype(np.float64)
    deviation = np.sqrt(variance[:, hidden].astype(np.float64))
    score = np.abs(wrong) / deviation
    return {
        "images": len(predicted),
        "chi_squared": float((score**2).mean()),
        "coverage": {
            level: float((score <= quantile).mean())
            for level, quantile in _LEVELS.items()
        },
        "mean_standard_deviation": float(deviation.mean()),
        "root_mean_squared_error": float((wrong**2).mean() ** 0.5),
    }
