"""Results as JSON that any reader takes."""

import json
import math
from pathlib import Path

import jax
import numpy as np


def write_json(path: Path, content: dict) -> None:
    """Writes strict JSON: arrays become lists, numbers that are not finite null."""
    path.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
