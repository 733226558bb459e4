"""What losses and slopes say, beside what is expected."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import t as t_law

from hyperlimit.studies._study import Finding
from hyperlimit.studies.width_transfer._config import WidthTransferConfig
from hyperlimit.widths import CoordinateCheck

# For each parametrisation and multiple: a row for each rate, a column for each seed.
Losses = Mapping[tuple[str, int], Float[np.ndarray, "r s"]]
NAMES = {"mup": "muP", "standard": "standard", "ntk": "NTK"}
RULES = {"sgd": "SGD", "adam": "Adam"}
# Slopes of this size are no accident of the widths that are measured.
_DRIFT = 0.3


def best_rate(config: WidthTransferConfig, losses: Float[np.ndarray, "r s"]) -> float:
    """The power of two at which the mean loss over seeds is least."""
    means = np.where(np.isfinite(losses), losses, np.inf).mean(axis=1)
    return config.log_rates[int(np.argmin(means))]


def transfer_rows(config: WidthTransferConfig, losses: Losses) -> list[Finding]:
    """Best rates over widths, and losses at the base's best rate."""
    rows, grid = [], config.log_rates[1] - config.log_rates[0]
    last = config.multiples[-1]
    for name in ("mup", "standard"):
        powers = {m: best_rate(config, losses[name, m]) for m in config.multiples}
        for multiple in config.multiples[1:]:
            moved = powers[multiple] - powers[1]
            what = (
                f"{NAMES[name]}: best rate at {multiple}x is the base's times 2 to the"
            )
            if name == "mup":
                expected = f"0, within the grid's {grid:g}"
                holds = abs(moved) <= grid
            elif multiple == last:
                expected, holds = f"below -{grid:g}", moved < -grid
            else:
                expected, holds = "", None
            rows.append(Finding(what, moved, None, expected, holds=holds))
        row = config.log_rates.index(powers[1])
        for narrow, wide in zip(config.multiples, config.multiples[1:], strict=False):
            gap = losses[name, wide][row] - losses[name, narrow][row]
            half = _half_width(gap)
            what = (
                f"{NAMES[name]}: loss at the base's best rate, {wide}x minus {narrow}x"
            )
            mean = float(gap.mean())
            rows.append(
                Finding(
                    what,
                    mean,
                    (mean - half, mean + half),
                    "below 0" if name == "mup" else "",
                    holds=mean < 0 if name == "mup" else None,
                )
            )
        # What tuning at the widest would have given instead.
        tuned = losses[name, last][config.log_rates.index(powers[last])].mean()
        ratio = float(losses[name, last][row].mean() / tuned)
        what = f"loss at {last}x with the base's rate, over that with its own"
        rows.append(Finding(f"{NAMES[name]}: {what}", ratio))
    return rows


def check_rows(
    config: WidthTransferConfig, checks: Sequence[CoordinateCheck]
) -> list[Finding]:
    """The largest slope of every coordinate check, in f's width and in g's."""
    rows = []
    for check in checks:
        for part in check.parts:
            what, slope = max(part.slopes.items(), key=lambda row: abs(row[1].slope))
            letter = {"meta": "n", "primary": "m"}[part.varied]
            interval = (slope.low, slope.high)
            if check.parametrisation == "mup":
                expected = f"within {config.tolerance:g} of 0"
                holds = abs(slope.slope) <= config.tolerance
            else:
                expected = f"off 0 by more than {_DRIFT:g}"
                holds = abs(slope.slope) > _DRIFT
            name = f"{NAMES[check.parametrisation]}, {RULES[check.rule]}"
            rows.append(
                Finding(
                    f"{name}: largest slope in {letter} ({what})",
                    slope.slope,
                    interval,
                    expected,
                    holds=holds,
                )
            )
    return rows


def _half_width(gap: Float[np.ndarray, " s"]) -> float:
    error = gap.std(ddof=1) / len(gap) ** 0.5
    return float(t_law.ppf(0.975, len(gap) - 1) * error)
