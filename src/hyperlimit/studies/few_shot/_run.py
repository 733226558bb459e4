"""The study: every network meta-trained in every run, tested and shown."""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

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
    check_equivariant(descent(config))
    total = config.runs * (1 + len(config.widths)) * config.tests
    with reporter.stage("meta-training", total=total) as update:
        done = itertools.count(1)
        rows = [
            _one_run(config, data, run, lambda remark: update(next(done), remark))
            for run in range(config.runs)
        ]
    return {name: 100 * np.stack([row[name] for row in rows]) for name in rows[0]}


def _one_run(
    config: FewShotConfig, data: Characters, run: int, told: Callable[[str], None]
) -> dict[str, Float[np.ndarray, " _"]]:
    """Shares of right answers on the same tasks, at every test, by name."""
    limit = linear_limit(
        config.side**2,
        config.ways,
        input_std=config.input_std,
        output_std=config.output_std,
    )
    key = jax.random.fold_in(jax.random.key(config.seed), run)
    nets = {LIMIT: limit}
    for width in config.widths:
        own = jax.random.fold_in(key, width)
        nets[named(width)] = limit.sampled(width, key=own)
    learning, testing = _draws(config, data, run)
    found = {}
    for name, net in nets.items():

        def share(right: float, name: str = name) -> None:
            told(f"run {run + 1}, {name}: {right:.3f}")

        found[name] = meta_trained_curve(
            config, net, data.images, learning, testing, share
        )
    tests = tasks_of(data.images, testing)
    seen = data.images[~data.held_out(config, run)]
    mean = jnp.mean(seen, axis=(0, 1)).astype(float)
    for name, kernel in KERNELS.items():
        found[name] = np.mean(kernel_accuracies(kernel, tests, mean), keepdims=True)
    return found


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
    """With the interval of the difference to the limit, moved to the limit's mean."""
    own, limit = curves[name], curves[LIMIT]
    beside = limit[:, -own.shape[1] :]
    bounds = mean_interval(own - beside)[1] + beside.mean(axis=0)[None]
    return FewShotCurve(name, _steps(config), own.mean(axis=0), bounds)
