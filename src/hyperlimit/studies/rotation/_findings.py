"""What the accuracies say, beside what was published."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import f as f_law
from scipy.stats import t as t_law

from hyperlimit.studies._study import Finding
from hyperlimit.studies.rotation._config import RotationConfig

Interval = tuple[float, float]


class Cell(NamedTuple):
    """Networks of one depth and width of g."""

    depth: int
    width: int


# A row for each seed, of which cells have different numbers, a column for each epoch.
Accuracies = Mapping[Cell, Float[np.ndarray, "_ e"]]


def mean_interval(values: Float[np.ndarray, "s *e"]) -> Float[np.ndarray, "2 *e"]:
    """Student's 95% interval of a mean over seeds, (low, high)."""
    count = len(values)
    error = values.std(axis=0, ddof=1) / count**0.5
    half = t_law.ppf(0.975, count - 1) * error
    return np.stack([values.mean(axis=0) - half, values.mean(axis=0) + half])


def difference(
    one: Float[np.ndarray, " s"], two: Float[np.ndarray, " t"]
) -> tuple[float, Interval]:
    """The difference of two means with Welch's 95% interval.

    Of no length where neither varies over seeds, where SciPy's is not a number.
    """
    measured = float(one.mean() - two.mean())
    errors = np.array([values.var(ddof=1) / len(values) for values in (one, two)])
    if not errors.any():
        return measured, (measured, measured)
    freedom = errors.sum() ** 2 / np.sum(errors**2 / (len(one) - 1, len(two) - 1))
    half = float(t_law.ppf(0.975, freedom) * errors.sum() ** 0.5)
    return measured, (measured - half, measured + half)


def spread_ratio(
    one: Float[np.ndarray, " s"], two: Float[np.ndarray, " t"]
) -> tuple[float, Interval]:
    """The ratio of two standard deviations with Fisher's 95% interval.

    Infinite where the second is zero, as of seeds that all end alike.
    """
    above, below = float(one.std(ddof=1)), float(two.std(ddof=1))
    # The mean of equal shares differs from them by a rounding.
    ratio = above / below if below > 1e-12 else float("inf")
    bounds = f_law.ppf((0.975, 0.025), len(one) - 1, len(two) - 1) ** -0.5
    return ratio, (ratio * float(bounds[0]), ratio * float(bounds[1]))


def findings(
    config: RotationConfig, train: Accuracies, test: Accuracies
) -> tuple[Finding, ...]:
    """The rows, all about the end of training.

    A claim of the paper holds if the whole interval agrees with it.
    """
    narrow, wide = config.widths[0], config.widths[-1]
    rows = []
    for depth in config.depths:
        for name, table in (("test", test), ("training", train)):
            pair = _end(table, depth, wide), _end(table, depth, narrow)
            measured, bounds = difference(*pair)
            what = f"{name} accuracy, depth {depth}: width {wide} minus {narrow}"
            rows.append(Finding(what, measured, bounds, "above 0", holds=bounds[0] > 0))
    shallow, deep = config.depths[0], config.depths[-1]
    if deep != shallow:
        for width in (narrow, wide):
            pair = _end(test, deep, width), _end(test, shallow, width)
            measured, bounds = difference(*pair)
            what = f"test accuracy, width {width}: depth {deep} minus {shallow}"
            claimed = width == narrow
            rows.append(
                Finding(
                    what,
                    measured,
                    bounds,
                    "below 0" if claimed else "",
                    holds=bounds[1] < 0 if claimed else None,
                )
            )
    for depth in config.depths:
        pair = _end(test, depth, narrow), _end(test, depth, wide)
        what = (
            f"standard deviation of test accuracy over seeds, depth {depth}: width "
            f"{narrow} over {wide}"
        )
        rows.append(Finding(what, *spread_ratio(*pair)))
    return tuple(rows)


def _end(table: Accuracies, depth: int, width: int) -> Float[np.ndarray, " s"]:
    return table[Cell(depth, width)][:, -1]
