"""What the accuracies say, beside what was published."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from scipy.stats import t as t_law

from hyperlimit.studies._study import Finding
from hyperlimit.studies.pi_limit._config import PiLimitConfig
from hyperlimit.studies.pi_limit._task import Score

Interval = tuple[float, float]


def mean_interval(values: Float[np.ndarray, " s"]) -> tuple[float, Interval]:
    """A mean over seeds with Student's 95% interval."""
    count = len(values)
    half = float(t_law.ppf(0.975, count - 1) * values.std(ddof=1) / count**0.5)
    mean = float(values.mean())
    return mean, (mean - half, mean + half)


def findings(
    config: PiLimitConfig,
    scores: Mapping[str, list[Score]],
    far: Float[np.ndarray, "w s"],
) -> tuple[Finding, ...]:
    """The rows: differences are of the same digits, seed by seed."""
    rows = []
    for name, them in scores.items():
        accuracy = np.array([one.accuracy for one in them])
        rows.append(Finding(f"test accuracy: {name}", *mean_interval(accuracy)))
    pairs = [("pi-limit", "NTK"), ("pi-limit", "NNGP")]
    pairs += [("pi-limit", f"pi, width {width}") for width in config.pi_widths]
    pairs += [("pi-limit", f"muP, width {config.mup_widths[-1]}")]
    wide, narrow = config.mup_widths[-1], config.mup_widths[0]
    pairs += [(f"muP, width {wide}", f"muP, width {narrow}")]
    for one, two in pairs:
        off = np.array(
            [
                a.accuracy - b.accuracy
                for a, b in zip(scores[one], scores[two], strict=True)
            ]
        )
        measured, bounds = mean_interval(off)
        published = "above 0" if two.startswith("muP") else "above 0 (on CIFAR-10)"
        rows.append(
            Finding(
                f"test accuracy: {one} minus {two}",
                measured,
                bounds,
                published,
                holds=bounds[0] > 0,
            )
        )
        loss = np.array(
            [a.loss - b.loss for a, b in zip(scores[one], scores[two], strict=True)]
        )
        rows.append(Finding(f"test loss: {one} minus {two}", *mean_interval(loss)))
    # A line through the draws of one number at all widths, for each number.
    x = np.log(config.distance_widths)
    slopes = np.polyfit(x, np.log(far), 1)[0]
    after = f"after {config.distance_steps} steps"
    rows.append(
        Finding(
            f"distance from the limit {after}: its power of the width",
            *mean_interval(slopes),
            "-1/2",
            number=-0.5,
        )
    )
    return tuple(rows)
