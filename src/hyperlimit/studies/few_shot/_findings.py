"""What the accuracies say, beside what was published."""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float
from scipy.stats import t as t_law

from hyperlimit.studies._study import Finding
from hyperlimit.studies.few_shot._config import FewShotConfig
from hyperlimit.studies.few_shot._kernels import KERNELS

LIMIT = "limit"
LINEAR = next(iter(KERNELS))

# Percent right, (runs, tests in meta-training): by the name of who answered.
Curves = Mapping[str, Float[np.ndarray, "r _"]]


def named(width: int) -> str:
    """What a finite network is called."""
    return f"width {width}"


def mean_interval(
    values: Float[np.ndarray, "r *e"],
) -> tuple[Float[np.ndarray, "*e"], Float[np.ndarray, "2 *e"]]:
    """A mean over runs, and Student's 95% interval of it, (low, high)."""
    count = len(values)
    mean = np.asarray(values.mean(axis=0))
    error = values.std(axis=0, ddof=1) / count**0.5
    half = t_law.ppf(0.975, count - 1) * error
    return mean, np.stack([mean - half, mean + half])


def findings(config: FewShotConfig, curves: Curves) -> Iterator[Finding]:
    """The rows, in percent and points; a claim holds if its whole interval agrees."""
    for name, curve in curves.items():
        yield _row(f"{name}: percent right on new alphabets", curve[:, -1])
    limit = curves[LIMIT]
    yield _row(
        "limit: after meta-training minus before",
        limit[:, -1] - limit[:, 0],
        above=0.0,
    )
    for name in KERNELS:
        least = config.least_gain if name == LINEAR else 0.0
        gain = limit[:, -1] - curves[name][:, -1]
        yield _row(f"limit minus {name}", gain, above=least)
    narrow, wide = (named(width) for width in (config.widths[0], config.widths[-1]))
    yield _row(f"limit minus {narrow}", limit[:, -1] - curves[narrow][:, -1], above=0.0)
    yield _row(
        f"limit minus {wide}",
        limit[:, -1] - curves[wide][:, -1],
        within=config.closeness,
    )


def _row(
    what: str,
    values: Float[np.ndarray, " r"],
    *,
    above: float | None = None,
    within: float | None = None,
) -> Finding:
    mean, (low, high) = mean_interval(values)
    expected, holds = "", None
    if above is not None:
        expected, holds = f"above {above:g}", bool(low > above)
    if within is not None:
        expected = f"from {-within:g} to {within:g}"
        holds = bool(-within < low and high < within)
    interval = (float(low), float(high))
    return Finding(what, float(mean), interval, expected, holds=holds)
