"""What the drawn kernels say, beside what theory expects of them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import ks_2samp

from hyperlimit.studies._study import Finding
from hyperlimit.studies.kernel_convergence._config import KernelConvergenceConfig
from hyperlimit.studies.kernel_convergence._draws import Draws, Widths
from hyperlimit.studies.kernel_convergence._estimates import (
    Interval,
    interval,
    inverse_width_coefficient,
    largest_deviation,
    log_slope,
    relative_variance,
    resampled,
)
from hyperlimit.studies.kernel_convergence._theory import (
    meta_coefficient,
    primary_coefficient,
)

# The widest of a curve, over which its slope is taken.
_WIDEST = 3


class Spread:
    """Means and relative variances of drawn entries, each resampled once."""

    def __init__(self, values: dict[Widths, Float[np.ndarray, " s"]], seed: int):
        generator = np.random.default_rng(seed)
        self.means = {cell: float(v.mean()) for cell, v in values.items()}
        self.values = {cell: float(relative_variance(v)) for cell, v in values.items()}
        self.replicates = {cell: resampled(v, generator) for cell, v in values.items()}

    def interval(self, cell: Widths) -> Interval:
        """The 95% interval of one."""
        return interval(self.replicates[cell])

    def slope(
        self, cells: Sequence[Widths], along: Sequence[int]
    ) -> tuple[float, Interval]:
        """Their slope along widths, on logarithmic axes."""
        widths = np.asarray(along)
        values = np.array([self.values[cell] for cell in cells])
        replicates = np.stack([self.replicates[cell] for cell in cells])
        slope = float(log_slope(widths, values))
        return slope, interval(log_slope(widths, replicates))


def leading_order(config: KernelConvergenceConfig, cell: Widths) -> float:
    """a/n + c^2/m."""
    a = meta_coefficient(config.meta_depth, config.primary_depth)
    return a / cell[0] + primary_coefficient(config.primary_depth) / cell[1]


def findings(
    config: KernelConvergenceConfig, draws: Draws, own: Spread, pair: Spread
) -> tuple[Finding, ...]:
    """The rows.

    Args:
        config: of the study.
        draws: all that were drawn.
        own: of K(u, u).
        pair: of K(u, u').
    """
    generator = np.random.default_rng(config.seed)
    return (
        *_diagonal(config, own, pair),
        *_plateau_slopes(config, own),
        _meta(config, own),
        *_primary(config, draws, generator),
        *_same_law(draws),
        *_angles(draws, generator),
    )


def _diagonal(
    config: KernelConvergenceConfig, own: Spread, pair: Spread
) -> tuple[Finding, ...]:
    widths = config.diagonal[-_WIDEST:]
    cells = [(n, n) for n in widths]
    what = "relative variance of {}: slope along n = m, {} to {}"
    return tuple(
        Finding(
            what.format(name, widths[0], widths[-1]),
            *spread.slope(cells, widths),
            expected="-1",
            number=-1.0,
        )
        for name, spread in (("K(u, u)", own), ("K(u, u')", pair))
    )


def _plateau_slopes(
    config: KernelConvergenceConfig, own: Spread
) -> tuple[Finding, ...]:
    n, m = config.meta_widths[0], config.primary_widths[0]
    curves = (
        (f"n at m = {m}", config.meta_widths, lambda width: (width, m)),
        (f"m at n = {n}", config.primary_widths, lambda width: (n, width)),
    )
    rows = []
    for name, widths, cell in curves:
        widths = widths[-_WIDEST:]
        cells = [cell(width) for width in widths]
        leading = np.array([leading_order(config, cell) for cell in cells])
        expected = float(log_slope(np.asarray(widths), leading))
        measured, bounds = own.slope(cells, widths)
        what = (
            f"relative variance of K(u, u): slope along {name}, {widths[0]} to "
            f"{widths[-1]}"
        )
        text = f"{expected:.2f} by a/n + c^2/m, then 0"
        rows.append(Finding(what, measured, bounds, text, number=expected))
    return tuple(rows)


def _meta(config: KernelConvergenceConfig, own: Spread) -> Finding:
    least = max(config.meta_widths) // 2
    cells = [cell for cell in own.values if min(cell) >= least]
    n, m = np.array(cells, float).T
    share = primary_coefficient(config.primary_depth) / m
    expected = np.array([leading_order(config, cell) for cell in cells])
    values = np.array([own.values[cell] for cell in cells]) - share
    replicates = np.stack([own.replicates[cell] for cell in cells]) - share[:, None]
    measured = float(inverse_width_coefficient(n, values, expected))
    bounds = interval(inverse_width_coefficient(n, replicates, expected))
    number = meta_coefficient(config.meta_depth, config.primary_depth)
    what = f"a of relative variance a/n + c^2/m, widths from {least}"
    return Finding(what, measured, bounds, f"{number:.1f}", number=number)


def _primary(
    config: KernelConvergenceConfig, draws: Draws, generator: np.random.Generator
) -> tuple[Finding, ...]:
    rows, width = [], config.plateau_width
    for depth, values in draws.plateaus.items():
        measured = (width * float(relative_variance(values))) ** 0.5
        replicates = (width * resampled(values, generator)) ** 0.5
        number = primary_coefficient(depth) ** 0.5
        what = f"c of the same, f infinitely wide, H = {depth}, m = {width}"
        bounds = interval(replicates)
        rows.append(Finding(what, measured, bounds, f"{number:.3f}", number=number))
    return tuple(rows)


def _same_law(draws: Draws) -> tuple[Finding, ...]:
    if not draws.networks:
        return ()
    chances = [
        ks_2samp(whole, sampled).pvalue
        for cell, entries in draws.networks.items()
        for whole, sampled in zip(entries, draws.grid[cell], strict=True)
    ]
    least = float(min(chances) * len(chances))
    what = (
        "whole networks against sampled kernels: Kolmogorov-Smirnov p, smallest of "
        f"{len(chances)} times {len(chances)}"
    )
    return (Finding(what, least, None, "above 0.05", holds=least > 0.05),)


def _angles(draws: Draws, generator: np.random.Generator) -> tuple[Finding, ...]:
    rows = []
    limit = np.interp(draws.angles, np.arange(len(draws.limit)), draws.limit)
    for width, values in draws.curves.items():
        largest, critical = largest_deviation(values, limit, generator)
        what = (
            f"mean kernel, m = {width}: deviation from the limit in standard errors, "
            f"largest of {len(draws.angles)} angles"
        )
        # Only at the largest width is the mean known to be the limit's.
        judged = width == max(draws.curves)
        rows.append(
            Finding(
                what,
                largest,
                None,
                f"below {critical:.2f}, its 99th percentile" if judged else "",
                holds=largest < critical if judged else None,
            )
        )
    return tuple(rows)
