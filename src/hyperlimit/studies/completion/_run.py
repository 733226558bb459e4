"""A completion run: fit, predict, measure, write."""

import time
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray

from hyperlimit.data import whole_files
from hyperlimit.limits import dual_limit
from hyperlimit.plotting import completions_figure, loss_figure
from hyperlimit.regression import GridRegression, regress_grid
from hyperlimit.studies._provenance import peak_memory, provenance
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies.completion import _baselines
from hyperlimit.studies.completion._config import CompletionConfig
from hyperlimit.studies.completion._finite import Curves, train_finite
from hyperlimit.studies.completion._measures import calibration, errors
from hyperlimit.studies.completion._model_file import save_model
from hyperlimit.studies.completion._problem import CompletionProblem, completion_problem
from hyperlimit.studies.completion._write_json import write_json

# Test images whose predictive variance is computed: those shown, and a few more.
VARIANCES, SHOWN = 16, 8


def complete(
    config: CompletionConfig, out: Path, reporter: Reporter, *, compare: bool = False
) -> dict:
    """Learns from training images, completes the others, and writes the results.

    Writes completions.png, metrics.json and model.npz to `out`, and loss.png with
    `compare`: all of them, or, if anything fails, none.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: for data or settings that do not fit, or a singular system.
    """
    with whole_files(out) as folder:
        times: dict[str, float] = {}
        with reporter.stage("reading images"):
            problem = completion_problem(config)
        fit = _timed(times, "fit", lambda: _fit(problem, reporter))
        with reporter.stage(f"completing {problem.test.n} images"):
            predicted = _timed(
                times,
                "predict",
                lambda: predict_images(
                    fit, problem.seen(problem.test), problem.centre, problem.scale
                ),
            )
        count = min(VARIANCES, problem.test.n)
        with reporter.stage(f"error bars of {count} images"):
            variance = _timed(
                times,
                "variance",
                lambda: predictive_variance(
                    fit, problem.seen(problem.test)[:count], problem.scale
                ),
            )
        truth = problem.flat(problem.test)
        table = {config.kernel: errors(predicted, truth, problem.hidden)}
        curves: list[Curves] = []
        if compare:
            table |= _compared(problem, times, reporter, curves)
        metrics = {
            "errors": table,
            "calibration": calibration(
                predicted[:count], variance, truth[:count], problem.hidden
            ),
            "solve": fit.report._asdict(),
            "amplitude": fit.amplitude,
            "noise": fit.noise,
            "seconds": times,
            "peak_memory_bytes": peak_memory(),
            "images": {
                "name": problem.train.name,
                "shape": problem.train.shape,
                "train": problem.train.n,
                "test": problem.test.n,
                "known_values": int(problem.known.sum()),
            },
            "config": config.as_dict(),
            "provenance": provenance(),
        }
        if curves:
            metrics["finite_loss"] = curves[0]._asdict()
            loss_figure(*curves[0]).savefig(folder / "loss.png")
        figure = completions_figure(
            problem.test.pixels[:SHOWN],
            problem.observed,
            predicted[:SHOWN],
            np.sqrt(variance[:SHOWN].mean(axis=2)),
        )
        figure.savefig(folder / "completions.png")
        write_json(folder / "metrics.json", metrics)
        save_model(folder / "model.npz", problem, fit, metrics["provenance"])
    return metrics


def predict_images(
    fit: GridRegression, seen: NDArray, centre: NDArray, scale: NDArray
) -> NDArray[np.float32]:
    """Predicted pixels (m, p, c) for the seen parts (m, p c), a few at a time."""
    parts = [
        np.asarray(fit.mean(part), np.float32)
        for part in np.array_split(seen, -(-len(seen) // 256))
    ]
    return np.concatenate(parts) * scale + centre


def predictive_variance(
    fit: GridRegression, seen: NDArray, scale: NDArray
) -> NDArray[np.float32]:
    """The variance of a new pixel value, noise included, (m, p, c)."""
    variance = np.asarray(fit.variance(seen), np.float32)
    variance = variance + np.float32(fit.amplitude * fit.noise)
    return variance[..., None] * scale**2


def _fit(problem: CompletionProblem, reporter: Reporter) -> GridRegression:
    config = problem.config
    known = problem.known.reshape(problem.train.n, -1)
    dtype = np.dtype(config.precision)
    with reporter.stage(f"fitting {known.sum():,} pixels") as update:
        return regress_grid(
            dual_limit(config.spec(problem.train.shape)),
            problem.seen(problem.train).astype(dtype),
            problem.coordinates.astype(dtype),
            problem.standardised,
            known=known,
            ridge=config.ridge,
            kind="ntk" if config.kernel == "ntk" else "nngp",
            amplitude="ml",
            progress=lambda done, residual: update(done, f"residual {residual:.1e}"),
        )


def _compared(
    problem: CompletionProblem,
    times: dict[str, float],
    reporter: Reporter,
    curves: list[Curves],
) -> dict[str, dict]:
    truth, rows = problem.flat(problem.test), {}
    methods = {
        "mean image": _baselines.mean_image,
        f"{_baselines.NEIGHBOURS} nearest neighbours": _baselines.nearest_neighbours,
    }
    if problem.complete:
        methods["NTK vector regression"] = _baselines.ntk_vector
    for name, method in methods.items():
        with reporter.stage(name):
            predicted = _timed(times, name, lambda method=method: method(problem))
        rows[name] = errors(predicted, truth, problem.hidden)
    name = "finite hypernetwork"
    predicted, losses = _timed(times, name, lambda: train_finite(problem, reporter))
    curves.append(losses)
    rows[name] = errors(predicted, truth, problem.hidden)
    return rows


def _timed(times: dict[str, float], name: str, work):
    start = time.perf_counter()
    result = jax.block_until_ready(work())
    times[name] = round(time.perf_counter() - start, 3)
    return result
