"""Results as JSON that any reader takes."""

import json
import math
from pathlib import Path


def write_json(path: Path, content: dict) -> None:
    """Writes strict JSON: numbers that are not finite become null."""
    path.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
