"""A study of nothing, for the tests of what runs studies."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from hyperlimit.errors import InputError
from hyperlimit.studies import Finding, Findings, Study


@dataclass(frozen=True)
class TinyConfig:
    draws: int = 100
    seed: int = 3


def run(config, reporter):
    with reporter.stage("drawing", total=1) as update:
        if config.seed == 13:
            raise InputError("seed=13 was given: give another.")
        draws = np.random.default_rng(config.seed).normal(size=config.draws)
        update(1, "done")
    mean = float(draws.mean())
    rows = (
        Finding("mean of [normal] draws", mean, (mean - 1, mean + 1), "0", number=0.0),
        Finding("mean, wrongly", mean, (mean + 1, mean + 2), "0", number=0.0),
        Finding("how many", float(config.draws), None, "many", holds=config.draws > 5),
        Finding("largest", float(draws.max())),
    )
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot(draws)
    return Findings(rows, {"draws": draws, "none": float("nan")}, figure)


STUDY = Study(
    name="tiny",
    summary="Whether draws have a mean",
    quick=TinyConfig(draws=4),
    full=TinyConfig(),
    run=run,
)
