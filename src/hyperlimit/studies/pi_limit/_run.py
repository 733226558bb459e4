"""The study: every method on the same digits, measured and shown."""

import itertools

import jax
import numpy as np

from hyperlimit.plotting import Method as Shown
from hyperlimit.plotting import pi_limit_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Findings
from hyperlimit.studies.pi_limit._config import PiLimitConfig
from hyperlimit.studies.pi_limit._distances import distances
from hyperlimit.studies.pi_limit._findings import findings, mean_interval
from hyperlimit.studies.pi_limit._methods import chosen, methods
from hyperlimit.studies.pi_limit._task import Score, tasks


def run(config: PiLimitConfig, reporter: Reporter) -> Findings:
    """Chooses each method's number, runs it for every seed, and compares.

    Raises:
        InputError: if there are not as many digits.
    """
    with reporter.stage("reading digits"):
        (train, validation), splits = tasks(config)
    of_choice, of_seeds = jax.random.split(jax.random.key(config.seed))
    scores: dict[str, list[Score]] = {}
    data, shown = [], []
    every = methods(config)
    with reporter.stage("classifying", total=len(every) * len(splits)) as update:
        numbers = itertools.count(1)
        for method in every:
            number = chosen(method, train, validation, of_choice)
            them = []
            for seed, (own, test) in enumerate(splits):
                key = jax.random.fold_in(of_seeds, seed)
                them.append(method.run(own, test, number, key))
                update(next(numbers), f"{method.name}: {them[-1].accuracy:.3f}")
            scores[method.name] = them
            accuracy = np.array([one.accuracy for one in them])
            shown.append(
                Shown(method.name, method.kind, method.width, *mean_interval(accuracy))
            )
            data.append(
                {
                    "method": method.name,
                    "number": number,
                    "accuracy": accuracy,
                    "loss": np.array([one.loss for one in them]),
                }
            )
    far = distances(config, *splits[0], reporter)
    figure = pi_limit_figure(shown, config.distance_widths, far)
    return Findings(
        findings(config, scores, far),
        {"methods": data, "distance_widths": config.distance_widths, "distances": far},
        figure,
    )
