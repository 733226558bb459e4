"""The study of Taylor exponents: networks drawn, slopes fitted, theory beside them."""

import jax
import jax.numpy as jnp

from hyperlimit.empirical import ScalingExponents, scaling_exponents
from hyperlimit.networks import Network
from hyperlimit.plotting import ScalingPanel, scaling_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Finding, Findings
from hyperlimit.studies.taylor_exponents._config import Case, TaylorConfig

_WIDTHS = {
    "network": "width n",
    "meta": "width n of f",
    "primary": "width m of g",
    "both": "width n = m",
}


def run(config: TaylorConfig, reporter: Reporter) -> Findings:
    """Measures every exponent of the study."""
    key, found = jax.random.key(config.seed), []
    for index, case in enumerate(config.cases()):
        with reporter.stage(case.name):
            found.append(
                (case, _measured(case, jax.random.fold_in(key, index), config))
            )
    return Findings(
        rows=tuple(row for case, result in found for row in _rows(case, result)),
        data={case.name: _numbers(case, result) for case, result in found},
        figure=scaling_figure([_panel(case, result) for case, result in found]),
    )


def _measured(case: Case, key: jax.Array, config: TaylorConfig) -> ScalingExponents:
    x, z = jnp.ones((1, 4)), jnp.ones((1, 2))
    return scaling_exponents(
        case.spec,
        case.widths,
        u=x if isinstance(case.spec, Network) else (x, z),
        key=key,
        order=case.order,
        seeds=case.seeds,
        vary=case.vary,
        level=config.level,
    )


def _rows(case: Case, result: ScalingExponents) -> list[Finding]:
    pairs = zip(result.exponents, result.theory, strict=True)
    return [
        Finding(
            what=f"{case.name}: exponent of K^({r})",
            measured=found.slope,
            interval=(found.low, found.high),
            expected=f"{expected:g}",
            number=expected,
        )
        for r, (found, expected) in enumerate(pairs, start=1)
        if expected is not None
    ]


def _numbers(case: Case, result: ScalingExponents) -> dict[str, object]:
    low, high = result.median_intervals
    return {
        "vary": case.vary,
        "widths": result.widths,
        "seeds": case.seeds,
        "level": result.level,
        "medians": result.medians,
        "median_low": low,
        "median_high": high,
        "exponents": [found._asdict() for found in result.exponents],
        "theory": result.theory,
    }


def _panel(case: Case, result: ScalingExponents) -> ScalingPanel:
    low, high = result.median_intervals
    return ScalingPanel(
        title=case.name,
        width=_WIDTHS[case.vary],
        widths=result.widths,
        medians=result.medians,
        low=low,
        high=high,
        slopes=tuple(found.slope for found in result.exponents),
        theory=result.theory,
    )
