"""Whose a folder of checkpoints is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hyperlimit.errors import InputError

_FORMAT = 2
_PROBLEM, _PART = "problem.json", "problem.json.part"


class Kind(NamedTuple):
    """What is kept.

    Attributes:
        name: a "solve", say.
        of: of what, a "system".
        difference: in what a problem that is kept and this one differ, or None.
    """

    name: str
    of: str
    difference: Callable[[dict[str, Any], dict[str, Any]], str | None]


def mark_folder(folder: Path, kind: Kind, here: dict[str, Any]) -> None:
    """Makes the folder, and says in it whose it is."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / _PART
    said = {"format": _FORMAT, "kind": kind.name, "problem": here}
    part.write_text(json.dumps(said))
    part.replace(folder / _PROBLEM)


def check_folder(folder: Path, kind: Kind, here: dict[str, Any]) -> None:
    """Raises an InputError for a folder that is not free and not this problem's."""
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
            f"the folder {name!r} holds {there[0]!r} and no checkpoints of a "
            f"{kind.name}: give an empty folder, or one that is not there."
        )
    try:
        found = json.loads((folder / _PROBLEM).read_text(encoding="utf-8"))
        version, kept = found["format"], found["problem"]
        # Before there was anything else a folder held a solve.
        other = found.get("kind", "solve")
        same = version == _FORMAT and other == kind.name
        different = kind.difference(kept, here) if same else None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"{_PROBLEM!r} in the folder {name!r} cannot be read: remove the folder to "
            "begin anew."
        ) from error
    if version != _FORMAT:
        raise InputError(
            f"the checkpoints in {name!r} have the format {version!r} and this version "
            f"reads {_FORMAT}: use the version that wrote them, or another folder."
        )
    if other != kind.name:
        raise InputError(
            f"the folder {name!r} holds a {other} and no {kind.name}: give another "
            "folder, or remove this one."
        )
    if different is not None:
        raise InputError(
            f"the folder {name!r} holds the {kind.name} of another {kind.of} "
            f"({different}): give another folder, or remove this one."
        )
