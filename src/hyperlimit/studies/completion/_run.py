"""A completion run: fit, predict, measure, write."""

import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from hyperlimit.data import whole_files
from hyperlimit.limits import dual_limit
from hyperlimit.linalg.checkpoints import Checkpoints
from hyperlimit.plotting import completions_figure, loss_figure
from hyperlimit.regression import GridRegression, regress_grid
from hyperlimit.studies._provenance import peak_memory, provenance
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._write_json import write_json
from hyperlimit.studies.completion import _baselines
from hyperlimit.studies.completion._config import CompletionConfig
from hyperlimit.studies.completion._finite import Curves, train_finite
from hyperlimit.studies.completion._measures import calibration, errors
from hyperlimit.studies.completion._model_file import save_model
from hyperlimit.studies.completion._problem import CompletionProblem, completion_problem

# Test images whose predictive variance is computed: those shown, and a few more.
VARIANCES, SHOWN = 16, 8
# Images completed together.
_TOGETHER = 512


# On the true relative residual of an iterative solve.
_TOLERANCE = 1e-4


def complete(
    config: CompletionConfig,
    out: Path,
    reporter: Reporter,
    *,
    compare: bool = False,
    checkpoint: Path | None = None,
) -> dict:
    """Learns from training images, completes the others, and writes the results.

    Writes completions.png, metrics.json and model.npz to `out`, and loss.png with
    `compare`: all of them, or, if anything fails, none. An iterative solve is kept in
    the folder `checkpoint` every minute; begun again, it goes on from there.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: for data or settings that do not fit, or a singular system.
    """
    with whole_files(out) as folder:
        times: dict[str, float] = {}
        with reporter.stage("reading images"):
            problem = completion_problem(config)
        fit = _timed(times, "fit", lambda: _fit(problem, reporter, checkpoint))
        new = NewImages(
            problem.seen(problem.test),
            problem.standard_units(problem.test),
            ~problem.hidden if config.own_pixels and fit.takes_values else None,
        )
        with reporter.stage(f"completing {problem.test.n} images"):
            predicted = _timed(
                times,
                "predict",
                lambda: predict_images(fit, new, problem.centre, problem.scale),
            )
        count = min(VARIANCES, problem.test.n)
        with reporter.stage(f"error bars of {count} images"):
            variance = _timed(
                times,
                "variance",
                lambda: predictive_variance(fit, new.first(count), problem.scale),
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
            "conditioned_on_own_pixels": new.known is not None,
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


class NewImages(NamedTuple):
    """Images to complete, as the regression takes them.

    Attributes:
        seen: what the meta-network reads, (m, p c) or (m, h, w, c + 1).
        values: their pixels in the units of the targets, (m, p, c).
        known: the pixels (p,) whose values also condition the completion, or None.
    """

    seen: NDArray
    values: NDArray
    known: NDArray[np.bool_] | None

    def first(self, count: int) -> "NewImages":
        """The first few."""
        return NewImages(self.seen[:count], self.values[:count], self.known)


def predict_images(
    fit: GridRegression, new: NewImages, centre: NDArray, scale: NDArray
) -> NDArray[np.float32]:
    """Predicted pixels (m, p, c), some images at a time."""
    parts = []
    for start in range(0, len(new.seen), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        own = {"known": new.known, "values": new.values[part]}
        mean = fit.mean(new.seen[part], **(own if new.known is not None else {}))
        parts.append(np.asarray(mean, np.float32))
    return np.concatenate(parts) * scale + centre


def predictive_variance(
    fit: GridRegression, new: NewImages, scale: NDArray
) -> NDArray[np.float32]:
    """The variance of a new pixel value, noise included, (m, p, c)."""
    variance = np.asarray(fit.variance(new.seen, known=new.known), np.float32)
    variance = variance + np.float32(fit.amplitude * fit.noise)
    return variance[..., None] * scale**2


def _fit(
    problem: CompletionProblem, reporter: Reporter, checkpoint: Path | None
) -> GridRegression:
    config = problem.config
    known = problem.known.reshape(problem.train.n, -1)
    dtype = np.dtype(config.precision)
    keeper = None if checkpoint is None else Checkpoints(checkpoint)
    with reporter.solve(f"fitting {known.sum():,} pixels", _TOLERANCE) as progress:
        return regress_grid(
            dual_limit(config.spec(problem.train.shape)),
            problem.seen(problem.train).astype(dtype),
            problem.coordinates.astype(dtype),
            problem.standardised,
            known=known,
            ridge=config.ridge,
            kind="ntk" if config.kernel == "ntk" else "nngp",
            amplitude="ml",
            tolerance=_TOLERANCE,
            progress=progress,
            keeper=keeper,
        )


def _compared(
    problem: CompletionProblem,
    times: dict[str, float],
    reporter: Reporter,
    curves: list[Curves],
) -> dict[str, dict]:
    truth, rows = problem.flat(problem.test), {}
    count = _baselines.neighbour_count(problem)
    methods = {
        "mean image": _baselines.mean_image,
        f"{count} nearest neighbours": partial(
            _baselines.nearest_neighbours, count=count
        ),
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
