"""The study: every network trained from every seed, measured and shown."""

import jax
import numpy as np

from hyperlimit.plotting import AccuracyCurve, rotation_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Findings
from hyperlimit.studies.rotation._config import RotationConfig
from hyperlimit.studies.rotation._findings import Accuracies, findings, mean_interval
from hyperlimit.studies.rotation._task import CLASSES, Examples, rotation_task
from hyperlimit.studies.rotation._train import specification, trained_curve


def run(config: RotationConfig, reporter: Reporter) -> Findings:
    """Trains every network, and compares where they end.

    Raises:
        InputError: if there are not as many digits.
    """
    with reporter.stage("turning images"):
        task = rotation_task(config)
    train, test = _accuracies(config, task, reporter)
    panels = {
        depth: [_curve(train, test, depth, width) for width in config.widths]
        for depth in config.depths
    }
    data = [
        {"depth": depth, "width": width, "train": train[cell], "test": test[cell]}
        for cell in test
        for depth, width in (cell,)
    ]
    figure = rotation_figure(panels, chance=1 / CLASSES)
    return Findings(findings(config, train, test), {"accuracy": data}, figure)


def _accuracies(
    config: RotationConfig, task: tuple[Examples, Examples], reporter: Reporter
) -> tuple[Accuracies, Accuracies]:
    key = jax.random.key(config.seed)
    cells = [(depth, width) for depth in config.depths for width in config.widths]
    train, test, done = {}, {}, 0
    with reporter.stage("training", total=len(cells) * config.seeds) as update:
        for cell in cells:
            curves = []
            for seed in range(config.seeds):
                spec = specification(config, *cell)
                own = jax.random.fold_in(key, seed)
                curves.append(trained_curve(config, spec, task, own))
                done += 1
                remark = f"depth {cell[0]}, width {cell[1]}: {curves[-1].test[-1]:.2f}"
                update(done, remark)
            train[cell] = np.stack([curve.train for curve in curves])
            test[cell] = np.stack([curve.test for curve in curves])
    return train, test


def _curve(
    train: Accuracies, test: Accuracies, depth: int, width: int
) -> AccuracyCurve:
    cell = depth, width
    return AccuracyCurve(
        f"width {width}",
        test[cell].mean(axis=0),
        mean_interval(test[cell]),
        train[cell].mean(axis=0),
    )
