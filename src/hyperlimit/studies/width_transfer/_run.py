"""The study: networks trained at every width and rate, and coordinate checks."""

import itertools

import jax
import numpy as np
from jaxtyping import Array

from hyperlimit.plotting import ChangeCurve, RateCurve, width_transfer_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Findings
from hyperlimit.studies.width_transfer._config import WidthTransferConfig
from hyperlimit.studies.width_transfer._findings import (
    NAMES,
    RULES,
    Losses,
    check_rows,
    transfer_rows,
)
from hyperlimit.studies.width_transfer._task import HalvesOfDigits, halves_of_digits
from hyperlimit.studies.width_transfer._train import final_losses
from hyperlimit.widths import CoordinateCheck, coordinate_check

_NAMES = ("mup", "standard")
# Small enough for every width where rates are not corrected; under SGD so small that
# outputs move by a few percent of what they are off.
_CHECKED = {
    ("mup", "adam"): 2e-4,
    ("mup", "sgd"): 3e-6,
    ("standard", "adam"): 5e-5,
    ("standard", "sgd"): 2e-7,
    ("ntk", "adam"): 1e-3,
    ("ntk", "sgd"): 3e-4,
}


def run(config: WidthTransferConfig, reporter: Reporter) -> Findings:
    """Trains, checks, compares."""
    task = halves_of_digits()
    of_training, of_checks = jax.random.split(jax.random.key(config.seed))
    losses = _losses(config, task, of_training, reporter)
    checks = _checks(config, task, of_checks, reporter)
    rows = (*transfer_rows(config, losses), *check_rows(config, checks))
    data = {
        "losses": [
            {"parametrisation": name, "multiple": multiple, "losses": found}
            for (name, multiple), found in losses.items()
        ],
        "log_rates": config.log_rates,
        "checks": [_numbers(check) for check in checks],
    }
    return Findings(rows, data, _figure(config, losses, checks))


def _losses(
    config: WidthTransferConfig, task: HalvesOfDigits, key: Array, reporter: Reporter
) -> Losses:
    cells = list(itertools.product(_NAMES, config.multiples))
    found = {}
    with reporter.stage("training", total=len(cells)) as update:
        for index, (name, multiple) in enumerate(cells):
            # The same images in the same order at every width.
            found[name, multiple] = final_losses(config, task, multiple, name, key)
            least = np.nanmin(found[name, multiple].mean(axis=1))
            update(index + 1, f"{name}, {multiple}x: {least:.3f}")
    return found


def _checks(
    config: WidthTransferConfig, task: HalvesOfDigits, key: Array, reporter: Reporter
) -> list[CoordinateCheck]:
    images, every = config.check_images, config.check_stride
    targets = task.y[:images, ::every] + config.check_offset
    data = (task.x[:images], task.z[::every], targets)
    found = []
    with reporter.stage("coordinate checks", total=len(config.checked)) as update:
        for index, (name, rule) in enumerate(config.checked):
            found.append(
                coordinate_check(
                    config.description(1, 1),
                    data,
                    parametrisation=name,
                    rule=rule,
                    learning_rate=_CHECKED[name, rule],
                    meta_widths=config.check_meta_widths,
                    primary_widths=config.check_primary_widths,
                    fixed=config.check_fixed,
                    base=config.check_base,
                    steps=config.check_steps,
                    seeds=config.check_seeds,
                    key=key,
                )
            )
            update(index + 1, f"{name}, {rule}: {found[-1].largest:.2f}")
    return found


def _numbers(check: CoordinateCheck) -> dict[str, object]:
    return {
        "parametrisation": check.parametrisation,
        "rule": check.rule,
        "steps": check.steps,
        "learning_rate": _CHECKED[check.parametrisation, check.rule],
        "parts": [
            {
                "varied": part.varied,
                "widths": part.widths,
                "fixed": part.fixed,
                "slopes": {name: row._asdict() for name, row in part.slopes.items()},
                "medians": {
                    name: np.median(each, axis=1) for name, each in part.changes.items()
                },
            }
            for part in check.parts
        ],
    }


def _figure(config: WidthTransferConfig, losses: Losses, checks: list[CoordinateCheck]):
    rates = {
        name: [
            RateCurve(
                f"{multiple * config.base_meta}, {multiple * config.base_primary}",
                2.0 ** np.array(config.log_rates),
                losses[name, multiple],
            )
            for multiple in config.multiples
        ]
        for name in _NAMES
    }
    changes = {
        f"{NAMES[check.parametrisation]}, {RULES[check.rule]}: {letter}": [
            ChangeCurve(name, part.widths, np.median(each, axis=1))
            for name, each in part.changes.items()
        ]
        for check in checks
        if check.rule == config.checked[0][1]
        for part, letter in zip(
            check.parts, ("width n of f", "width m of g"), strict=True
        )
    }
    return width_transfer_figure(rates, changes)
