"""Relative variances, slopes and deviations, with intervals by the bootstrap."""

import numpy as np
from jaxtyping import Float, Int

Interval = tuple[float, float]
RESAMPLES = 1000


def relative_variance(values: Float[np.ndarray, "*b s"]) -> Float[np.ndarray, "*b"]:
    """The variance over the squared mean, along the last axis."""
    return np.asarray(np.var(values, axis=-1, ddof=1) / np.mean(values, axis=-1) ** 2)


def resampled(
    values: Float[np.ndarray, " s"], generator: np.random.Generator
) -> Float[np.ndarray, " b"]:
    """Bootstrap replicates of the relative variance, (b,)."""
    chosen = generator.integers(len(values), size=(RESAMPLES, len(values)))
    return relative_variance(values[chosen])


def interval(replicates: Float[np.ndarray, " b"]) -> Interval:
    """The middle 95% of replicates."""
    low, high = np.percentile(replicates, (2.5, 97.5))
    return float(low), float(high)


def log_slope(
    widths: Int[np.ndarray, " w"], values: Float[np.ndarray, "w *b"]
) -> Float[np.ndarray, "*b"]:
    """The slope of log values over log widths by least squares."""
    steps = np.log(widths) - np.log(widths).mean()
    return np.tensordot(steps / (steps @ steps), np.log(values), axes=1)


def largest_deviation(
    draws: Float[np.ndarray, "s p"],
    expected: Float[np.ndarray, " p"],
    generator: np.random.Generator,
) -> tuple[float, float]:
    """The largest |t| of p means over draws, and what 1% of such are beyond.

    The means may be correlated: the critical value is that of the largest |t| of
    bootstrap samples about their own mean, so that p tests have one level.
    """
    count, mean = len(draws), draws.mean(axis=0)
    error = draws.std(axis=0, ddof=1) / count**0.5
    found = np.abs(mean - expected) / error
    largest = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        sample = draws[generator.integers(count, size=count)]
        spread = sample.std(axis=0, ddof=1) / count**0.5
        largest[index] = np.max(np.abs(sample.mean(axis=0) - mean) / spread)
    return float(np.max(found)), float(np.percentile(largest, 99))


def inverse_width_coefficient(
    widths: Float[np.ndarray, " w"],
    values: Float[np.ndarray, "w *b"],
    expected: Float[np.ndarray, " w"],
) -> Float[np.ndarray, "*b"]:
    """The least squares a of values a/n.

    Args:
        widths: n.
        values: what is fitted, or replicates of it.
        expected: to what each value's error is proportional; errors measured with the
            values would favour those that happen to be small.
    """
    slopes = 1 / (widths * expected)
    weights = slopes / (slopes @ slopes) / expected
    return np.tensordot(weights, values, axes=1)
