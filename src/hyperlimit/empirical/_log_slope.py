"""The exponent of a power law, and how sure it is, from samples at several widths."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


class LogSlope(NamedTuple):
    """A slope on logarithmic axes with its interval."""

    slope: float
    low: float
    high: float


def log_slope(
    widths: tuple[int, ...],
    sizes: NDArray,
    level: float,
    draw: np.random.Generator,
) -> LogSlope:
    """The least-squares slope of the log of medians against the log of widths.

    The interval is the percentile bootstrap: at each width the samples are drawn
    anew, with replacement, and the slope is fitted again. It says how much the medians
    may be off, not how far these widths are from the limit.

    Args:
        widths: w of them.
        sizes: nonnegative samples, (w, s).
        level: of the interval.
        draw: resamples.

    Returns:
        Not numbers, where a median is zero.
    """
    medians = np.median(sizes, axis=1)
    if not (medians > 0).all():
        return LogSlope(*(3 * (float("nan"),)))
    x = np.log(widths)
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    count = sizes.shape[1]
    resampled = [
        np.median(row[draw.integers(count, size=(RESAMPLES, count))], axis=1)
        for row in sizes
    ]
    with np.errstate(divide="ignore"):
        slopes = weights @ np.log(np.stack(resampled))
    tail = (1 - level) / 2
    # Without interpolation, as a slope is infinite where a resampled median is zero.
    low, high = np.quantile(slopes, [tail, 1 - tail], method="inverted_cdf")
    return LogSlope(float(weights @ np.log(medians)), float(low), float(high))
