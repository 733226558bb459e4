"""The study: every network trained from every seed, measured and shown."""

import itertools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.plotting import AccuracyCurve, rotation_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Findings
from hyperlimit.studies.rotation._config import RotationConfig
from hyperlimit.studies.rotation._findings import Cell, findings, mean_interval
from hyperlimit.studies.rotation._task import CLASSES, Examples, rotation_task
from hyperlimit.studies.rotation._train import Curve, specification, trained_curve


class Trained(NamedTuple):
    """What came of the networks of a cell: its learning rate, a row for each seed."""

    rate: float
    train: Float[np.ndarray, "s e"]
    test: Float[np.ndarray, "s e"]


def run(config: RotationConfig, reporter: Reporter) -> Findings:
    """Trains every network, and compares where they end.

    Raises:
        InputError: if there are not as many digits.
    """
    with reporter.stage("turning images"):
        task = rotation_task(config)
    trained = _trained(config, task, reporter)
    panels = {
        depth: [_curve(width, trained[Cell(depth, width)]) for width in config.widths]
        for depth in config.depths
    }
    data = [cell._asdict() | found._asdict() for cell, found in trained.items()]
    figure = rotation_figure(panels, chance=1 / CLASSES)
    train = {cell: found.train for cell, found in trained.items()}
    test = {cell: found.test for cell, found in trained.items()}
    return Findings(findings(config, train, test), {"accuracy": data}, figure)


def _trained(
    config: RotationConfig, task: tuple[Examples, Examples], reporter: Reporter
) -> dict[Cell, Trained]:
    cells = [Cell(depth, width) for depth in config.depths for width in config.widths]
    counts = dict(zip(config.widths, config.seeds, strict=True))
    tuning = dict(zip(config.widths, config.tuning_seeds, strict=True))
    tried = len(config.rates) if len(config.rates) > 1 else 0
    total = sum(counts[c.width] + tried * tuning[c.width] for c in cells)
    of_kept, of_tuning = jax.random.split(jax.random.key(config.seed))
    with reporter.stage("training", total=total) as update:
        numbers = itertools.count(1)

        def curves(cell: Cell, key: Array, count: int, rate: float) -> list[Curve]:
            spec, result = specification(config, cell.depth, cell.width), []
            for seed in range(count):
                own = jax.random.fold_in(key, seed)
                result.append(trained_curve(config, spec, task, own, rate))
                end = result[-1].test[-1]
                remark = f"depth {cell.depth}, width {cell.width}: {end:.2f}"
                update(next(numbers), remark)
            return result

        found = {}
        for cell in cells:
            ends = [
                np.mean(
                    [
                        c.train[-1]
                        for c in curves(cell, of_tuning, tuning[cell.width], rate)
                    ]
                )
                for rate in config.rates[:tried]
            ]
            rate = config.rates[int(np.argmax(ends))] if tried else config.rates[0]
            them = curves(cell, of_kept, counts[cell.width], rate)
            train, test = (np.stack(rows) for rows in zip(*them, strict=True))
            found[cell] = Trained(rate, train, test)
    return found


def _curve(width: int, found: Trained) -> AccuracyCurve:
    return AccuracyCurve(
        f"width {width}, rate {found.rate:g}",
        found.test.mean(axis=0),
        mean_interval(found.test),
        found.train.mean(axis=0),
    )
