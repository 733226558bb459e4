"""What was measured of the stops, beside what theory expects."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hyperlimit.studies._study import Finding
from hyperlimit.studies.optimisation._config import OptimisationConfig

# Two-sided, at 99%: of a dozen intervals at 95% one or the other would miss.
_DEVIATIONS = 2.576
# Two minima of one image are told apart from here on.
_APART = 1.1

Pairs = Mapping[tuple[str, int], tuple[NDArray, NDArray]]


def width_rows(
    config: OptimisationConfig, name: str, shares: Mapping[int, NDArray]
) -> Iterator[Finding]:
    """What is left at the narrow and at the widest g; shares (draws, images)."""
    widest = config.widths[-1]
    for width in (*config.narrow, widest):
        mean, low, high = _over_draws(shares[width].mean(axis=1))
        above = width != widest
        yield Finding(
            what=f"{name}, g of width {width}: variance left at the stop (99%)",
            measured=mean,
            interval=(low, high),
            expected=f"{'above' if above else 'below'} {config.visible:g}",
            holds=low > config.visible if above else high < config.visible,
        )


def stop_rows(
    config: OptimisationConfig, where: str, shares: NDArray, kinds: NDArray[np.int_]
) -> Iterator[Finding]:
    """What the stops of a narrow g are; shares and kinds (draws, images)."""
    ratio = float(np.median(shares.max(axis=0) / shares.min(axis=0)))
    yield Finding(
        what=f"{where}: largest over smallest stop of an image, median",
        measured=ratio,
        expected=f"above {_APART:g}",
        holds=ratio > _APART,
    )
    seen = shares > config.visible
    for least, words in (
        (1, "stationary, at kinks or between"),
        (2, "no gradient, no negative curvature"),
        (3, "strict local minima"),
    ):
        # How many theory does not say: some draws are on their way to infinity.
        part, low, high = _part(kinds[seen] >= least)
        yield Finding(
            what=f"{where}: part of stops, {words} (99%)",
            measured=part,
            interval=(low, high),
        )
    levels = [shares[(kinds[:, i] > 1) & seen[:, i], i] for i in range(shares.shape[1])]
    apart = sum(len(v) > 0 and bool(v.max() > _APART * v.min()) for v in levels)
    yield Finding(
        what=f"{where}: images with verified minima of unequal loss",
        measured=float(apart),
        expected=f"1 or more of {len(levels)}",
        holds=apart > 0,
    )


def finite_rows(
    config: OptimisationConfig, pairs: Pairs, smallest: float
) -> Iterator[Finding]:
    """Finite networks beside the limit from the same weights; (draws, images)."""
    yield Finding(
        what="smallest eigenvalue of Theta_f on the images",
        measured=smallest,
        expected="above 0",
        holds=smallest > 0,
    )
    for (name, width), (limit, finite) in pairs.items():
        where = f"{name}, g of width {width}, f of {config.meta_width}"
        mean, low, high = _over_draws((finite - limit).mean(axis=1))
        yield Finding(
            what=f"{where}: variance left, less the limit's (99%)",
            measured=mean,
            interval=(low, high),
            expected="0",
            number=0.0,
        )
        part, low, high = _part(np.abs(finite - limit).ravel() < config.visible)
        judged = width == config.widths[0]
        yield Finding(
            what=f"{where}: part of stops within {config.visible:g} of the limit's",
            measured=part,
            interval=(low, high),
            expected="most" if judged else "",
            holds=low > 0.5 if judged else None,
        )


def _over_draws(values: NDArray) -> tuple[float, float, float]:
    """The mean of draws and its interval."""
    mean = float(values.mean())
    error = _DEVIATIONS * float(values.std(ddof=1)) / len(values) ** 0.5
    return mean, mean - error, mean + error


def _part(hits: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The part of trials that hit and its interval, Wilson's, as if independent."""
    count = len(hits)
    if count == 0:
        return float("nan"), 0.0, 1.0
    part, square = float(hits.mean()), _DEVIATIONS**2 / count
    centre = (part + square / 2) / (1 + square)
    width = (part * (1 - part) * square + square**2 / 4) ** 0.5 / (1 + square)
    return part, centre - width, centre + width
