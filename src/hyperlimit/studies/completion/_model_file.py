"""A fitted completion model as one file."""

import json
import zipfile
import zlib
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from hyperlimit.errors import InputError
from hyperlimit.limits import dual_limit
from hyperlimit.regression import GridRegression, restored_grid_regression
from hyperlimit.studies.completion._config import CompletionConfig
from hyperlimit.studies.completion._problem import CompletionProblem, pixel_coordinates

_FORMAT = 3
_ARRAYS = ("x", "values", "weights", "observed", "centre", "scale", "known", "levels")


def save_model(
    path: Path, problem: CompletionProblem, fit: GridRegression, record: dict
) -> None:
    """Writes what predicting needs, as float arrays and JSON: nothing is pickled."""
    header = {
        "format": _FORMAT,
        "config": problem.config.as_dict(),
        "shape": problem.train.shape,
        "noise": fit.noise,
        "amplitude": fit.amplitude,
        "record": record,
    }
    np.savez(
        path,
        header=np.array(json.dumps(header)),
        x=np.asarray(fit.problem.x),
        values=np.asarray(fit.values),
        weights=np.asarray(fit.weights),
        observed=problem.observed,
        centre=problem.centre,
        scale=problem.scale,
        levels=problem.levels,
        known=problem.known.reshape(problem.train.n, -1),
    )


class CompletionModel:
    """A fitted model, read back: the regression and how images enter it."""

    def __init__(self, header: dict, arrays: dict[str, np.ndarray]):
        self.config = CompletionConfig.from_dict(header["config"])
        height, width, channels = header["shape"]
        self.shape = (int(height), int(width), int(channels))
        self.observed = arrays["observed"]
        self.centre = arrays["centre"]
        self.scale = arrays["scale"]
        self.levels = arrays["levels"]
        self.fit = restored_grid_regression(
            dual_limit(self.config.spec(self.shape)),
            self.config.kernel,
            jnp.asarray(arrays["x"]),
            jnp.asarray(pixel_coordinates(self.shape[:2]), arrays["x"].dtype),
            jnp.asarray(arrays["values"]),
            jnp.asarray(arrays["weights"]),
            known=arrays["known"],
            noise=float(header["noise"]),
            amplitude=float(header["amplitude"]),
        )


def load_model(path: Path) -> CompletionModel:
    """Reads a model file.

    Raises:
        InputError: if there is no such file, or it is cut short or no model.
    """
    header, arrays = _read(path)
    return CompletionModel(header, arrays)


def stored_precision(path: Path) -> str:
    """The precision that a model was fitted in, "float32" or "float64".

    Raises:
        InputError: as `load_model`.
    """
    return str(_read(path)[0]["config"]["precision"])


def _read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    if not path.is_file():
        raise InputError(
            f"there is no model file {str(path)!r}: give the model.npz that "
            "'hyperlimit complete' wrote."
        )
    try:
        # Opened here: np.load leaves a file that it cannot read open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(str(stored["header"]))
            arrays = {name: stored[name] for name in _ARRAYS}
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(
            f"the model file {str(path)!r} is cut short or is not a completion model: "
            "write it again with 'hyperlimit complete'."
        ) from error
    if header.get("format") != _FORMAT:
        raise InputError(
            f"the model file {str(path)!r} has format {header.get('format')!r} and "
            f"this version reads {_FORMAT}: use the version that wrote it."
        )
    return header, arrays
