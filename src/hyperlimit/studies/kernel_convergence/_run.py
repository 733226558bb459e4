"""The study: kernels drawn at many widths, measured and shown."""

from typing import Any

import numpy as np

from hyperlimit.plotting import (
    AngleCurve,
    Points,
    WidthCurve,
    kernel_convergence_figure,
)
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Findings
from hyperlimit.studies.kernel_convergence._config import KernelConvergenceConfig
from hyperlimit.studies.kernel_convergence._draws import Draws, Widths, all_draws
from hyperlimit.studies.kernel_convergence._findings import (
    Spread,
    findings,
    leading_order,
)
from hyperlimit.studies.kernel_convergence._theory import primary_coefficient


def run(config: KernelConvergenceConfig, reporter: Reporter) -> Findings:
    """Draws kernels, and measures how they vary and where they settle."""
    draws = all_draws(config, reporter)
    with reporter.stage("resampling"):
        own = Spread({cell: v.own for cell, v in draws.grid.items()}, config.seed)
        pair = Spread({cell: v.pair for cell, v in draws.grid.items()}, config.seed)
        whole = Spread({cell: v.own for cell, v in draws.networks.items()}, config.seed)
        rows = findings(config, draws, own, pair)
    figure = kernel_convergence_figure(
        [_curve(config, own, whole, m) for m in config.primary_widths]
        + [_curve(config, own, whole, None)],
        draws.angles,
        draws.limit,
        [_band(draws, width) for width in draws.curves],
    )
    return Findings(rows, _data(draws, own, pair, whole), figure)


def _curve(
    config: KernelConvergenceConfig, own: Spread, whole: Spread, m: int | None
) -> WidthCurve:
    """At one m, or along n = m."""
    if m is None:
        cells = [(n, n) for n in config.diagonal]
        return WidthCurve(
            "n = m", _points(own, cells), _leading(config, cells), None, None
        )
    cells = [(n, m) for n in config.meta_widths]
    drawn = [cell for cell in config.drawn if cell[1] == m]
    return WidthCurve(
        f"m = {m}",
        _points(own, cells),
        _leading(config, cells),
        primary_coefficient(config.primary_depth) / m,
        _points(whole, drawn) if drawn else None,
    )


def _points(spread: Spread, cells: list[Widths]) -> Points:
    values = np.array([spread.values[cell] for cell in cells])
    bounds = np.array([spread.interval(cell) for cell in cells])
    return Points(np.array([n for n, _ in cells]), values, bounds)


def _leading(config: KernelConvergenceConfig, cells: list[Widths]) -> np.ndarray:
    return np.array([leading_order(config, cell) for cell in cells])


def _band(draws: Draws, width: int) -> AngleCurve:
    values = draws.curves[width]
    return AngleCurve(
        f"m = {width}", values.mean(axis=0), values.std(axis=0, ddof=1), len(values)
    )


def _data(draws: Draws, own: Spread, pair: Spread, whole: Spread) -> dict[str, Any]:
    def table(spread: Spread) -> list[dict[str, Any]]:
        return [
            {
                "n": cell[0],
                "m": cell[1],
                "mean": spread.means[cell],
                "relative_variance": value,
                "interval": spread.interval(cell),
            }
            for cell, value in spread.values.items()
        ]

    return {
        "own_entry": {"limit": draws.entries[0], "cells": table(own)},
        "pair_entry": {"limit": draws.entries[1], "cells": table(pair)},
        "own_entry_of_networks": {"limit": draws.entries[0], "cells": table(whole)},
        "angles": {
            "degrees": draws.angles,
            "limit": draws.limit,
            "curves": {
                width: {"mean": values.mean(axis=0), "std": values.std(axis=0, ddof=1)}
                for width, values in draws.curves.items()
            },
        },
    }
