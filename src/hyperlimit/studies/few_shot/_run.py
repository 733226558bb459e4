"""The study: every network meta-trained in every run, tested and shown."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from hyperlimit.feature_learning import check_equivariant, linear_limit
from hyperlimit.plotting import FewShotCurve, few_shot_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Findings
from hyperlimit.studies.few_shot._config import FewShotConfig
from hyperlimit.studies.few_shot._findings import (
    LIMIT,
    Curves,
    findings,
    mean_interval,
    named,
)
from hyperlimit.studies.few_shot._kernels import KERNELS, kernel_accuracies
from hyperlimit.studies.few_shot._tasks import (
    Characters,
    Draws,
    characters,
    drawn,
    tasks_of,
)
from hyperlimit.studies.few_shot._train import descent, meta_trained_curve


def run(config: FewShotConfig, reporter: Reporter) -> Findings:
    """Meta-trains every network with every part of the alphabets held out.

    Raises:
        InputError: for a folder without Omniglot's archives, or fewer alphabets than
            runs.
    """
    with reporter.stage("reading characters"):
        data = characters(config)
    curves = _curves(config, data, reporter)
    count = len(data.alphabets) // 4
    title = f"{data.name}, {count} characters: {config.ways} classes, 1 image of each"
    figure = few_shot_figure(
        {width: _curve(config, named(width), curves) for width in config.widths},
        _curve(config, LIMIT, curves),
        {name: _curve(config, name, curves) for name in KERNELS},
        chance=100 / config.ways,
        title=title,
    )
    numbers = {
        "characters": data.name,
        "count": count,
        "alphabets": np.unique(data.alphabets),
        "meta_steps": _steps(config),
        "percent_right_by_run": curves,
    }
    return Findings(tuple(findings(config, curves)), numbers, figure)


def _curves(config: FewShotConfig, data: Characters, reporter: Reporter) -> Curves:
    limit = linear_limit(
        config.side**2,
        config.ways,
        input_std=config.input_std,
        output_std=config.output_std,
    )
    check_equivariant(descent(config))
    names = [LIMIT, *map(named, config.widths), *KERNELS]
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    total = config.runs * (1 + len(config.widths)) * config.tests
    with reporter.stage("meta-training", total=total) as update:
        done = itertools.count(1)
        for run in range(config.runs):
            key = jax.random.fold_in(jax.random.key(config.seed), run)
            learning, testing = _draws(config, data, run)
            nets = {LIMIT: limit}
            for width in config.widths:
                own = jax.random.fold_in(key, width)
                nets[named(width)] = limit.sampled(width, key=own)
            for name, net in nets.items():

                def told(share: float, name: str = name, run: int = run) -> None:
                    update(next(done), f"run {run + 1}, {name}: {share:.3f}")

                found[name].append(
                    meta_trained_curve(
                        config, net, data.images, learning, testing, told
                    )
                )
            tests = tasks_of(data.images, testing)
            for name, kernel in KERNELS.items():
                share = float(jnp.mean(kernel_accuracies(*kernel, tests)))
                found[name].append(np.array([share]))
    return {name: 100 * np.stack(rows) for name, rows in found.items()}


def _draws(config: FewShotConfig, data: Characters, run: int) -> tuple[Draws, Draws]:
    """The tasks of a run, to learn from and to be tested on, for all alike."""
    held_out, people = data.held_out(config, run), data.images.shape[1]
    classes = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    shapes = (config.meta_steps, config.tasks), (config.test_tasks,)
    generators = np.random.default_rng([config.seed, run]).spawn(2)
    learning, testing = (
        drawn(which, people, config.ways, shape, generator)
        for which, shape, generator in zip(classes, shapes, generators, strict=True)
    )
    return learning, testing


def _steps(config: FewShotConfig) -> list[int]:
    between = config.meta_steps // config.tests
    return [between * test for test in range(config.tests + 1)]


def _curve(config: FewShotConfig, name: str, curves: Curves) -> FewShotCurve:
    return FewShotCurve(name, _steps(config), *mean_interval(curves[name]))
