"""A study from its settings to its files."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax

from hyperlimit.data import whole_files
from hyperlimit.errors import InputError
from hyperlimit.studies._provenance import peak_memory, provenance
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Finding, Study
from hyperlimit.studies._write_json import write_json


def run_study(
    study: Study,
    out: Path,
    reporter: Reporter,
    *,
    quick: bool = False,
    seed: int | None = None,
    data: str | None = None,
) -> dict[str, Any]:
    """Runs a study and writes figure.png and results.json to `out`, or neither.

    Args:
        study: from the registry.
        out: the folder for the results.
        reporter: is told of the stages.
        quick: whether to take the settings that need less than a minute.
        seed: in place of the settings' own.
        data: a name or a path, in place of the settings' own, for studies that take
            one.

    Returns:
        What results.json holds.

    Raises:
        InputError: for a negative seed, data that the study does not take or cannot
            read, settings that it refuses, or a folder that cannot be written.
    """
    config = study.quick if quick else study.full
    if seed is not None:
        if seed < 0:
            raise InputError(f"--seed {seed} was given: give 0 or more.")
        config = dataclasses.replace(config, seed=seed)
    if data is not None:
        if not hasattr(config, "data"):
            raise InputError(
                f"--data {data} was given: leave it out, since the study {study.name} "
                "makes its own."
            )
        config = dataclasses.replace(config, data=data)
    with whole_files(out) as folder:
        start = time.perf_counter()
        found = study.run(config, reporter)
        results = {
            "study": study.name,
            "summary": study.summary,
            "quick": quick,
            "seed": config.seed,
            "precision": str(jax.dtypes.canonicalize_dtype(float)),
            "config": dataclasses.asdict(config),
            "findings": [_as_dict(row) for row in found.rows],
            "data": found.data,
            "seconds": round(time.perf_counter() - start, 3),
            "peak_memory_bytes": peak_memory(),
            "provenance": provenance(),
        }
        found.figure.savefig(folder / "figure.png")
        write_json(folder / "results.json", results)
    return results


def _as_dict(row: Finding) -> dict[str, Any]:
    return {
        "what": row.what,
        "measured": row.measured,
        "interval": row.interval,
        "expected": row.expected,
        "expected_number": row.number,
        "agrees": row.agrees,
    }
