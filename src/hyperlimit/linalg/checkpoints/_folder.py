"""Whose the folder of a solve is."""

import json
from pathlib import Path
from typing import Any

from hyperlimit.errors import InputError
from hyperlimit.linalg.checkpoints._fingerprint import difference

_FORMAT = 2
_PROBLEM, _PART = "problem.json", "problem.json.part"


def mark_folder(folder: Path, here: dict[str, Any]) -> None:
    """Makes the folder, and says in it whose it is."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / _PART
    part.write_text(json.dumps({"format": _FORMAT, "problem": here}))
    part.replace(folder / _PROBLEM)


def check_folder(folder: Path, here: dict[str, Any]) -> None:
    """Raises an InputError for a folder that is not free and not this system's."""
    if not folder.exists():
        return
    name = str(folder)
    if not folder.is_dir():
        raise InputError(f"{name!r} is a file: give a folder for checkpoints.")
    there = sorted(path.name for path in folder.iterdir() if path.name != _PART)
    if not there:
        return
    if _PROBLEM not in there:
        raise InputError(
            f"the folder {name!r} holds {there[0]!r} and no checkpoints of a solve: "
            "give an empty folder, or one that is not there."
        )
    try:
        found = json.loads((folder / _PROBLEM).read_text(encoding="utf-8"))
        kind, kept = found["format"], found["problem"]
        different = difference(kept, here) if kind == _FORMAT else None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"{_PROBLEM!r} in the folder {name!r} cannot be read: remove the folder to "
            "begin anew."
        ) from error
    if kind != _FORMAT:
        raise InputError(
            f"the checkpoints in {name!r} have the format {kind!r} and this version "
            f"reads {_FORMAT}: use the version that wrote them, or another folder."
        )
    if different is not None:
        raise InputError(
            f"the folder {name!r} holds the solve of another system ({different}): "
            "give another folder, or remove this one."
        )
