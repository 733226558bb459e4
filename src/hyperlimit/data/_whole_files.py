"""Output that appears whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from hyperlimit.errors import InputError


@contextmanager
def whole_files(directory: str | Path) -> Generator[Path, None, None]:
    """Give a temporary folder, whose files reach the target if all goes well.

    The files, those in sub-folders too, replace files of the same name in the target,
    which is created if need be; its other files stay. Each appears at once, none
    before the block has ended. If the block raises anything, the target stays as it
    was, and what was written is removed. Files are readable as the umask says. Of
    several processes that work together, the first alone writes.

    Args:
        directory: the target folder.

    Raises:
        InputError: the target is a file, it or the folder above it cannot be written,
            or a file and a folder of one name meet in it.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as parent:
        ...     with whole_files(Path(parent, "out")) as folder:
        ...         _ = (folder / "a.txt").write_text("done")
        ...     Path(parent, "out", "a.txt").read_text()
        'done'
    """
    if jax.distributed.is_initialized() and jax.process_index() > 0:
        with TemporaryDirectory() as nowhere:
            yield Path(nowhere)
        return
    given = str(directory)
    target = Path(os.path.realpath(directory))
    try:
        temporary = _temporary_folder(target, given)
    except OSError as error:
        raise _unwritable(given, error.strerror) from error
    try:
        yield temporary
        moves = _moves(temporary, target, given)
        try:
            _move(moves, temporary, target)
        except OSError as error:
            raise _unwritable(given, error.strerror) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary_folder(target: Path, given: str) -> Path:
    if target.exists() and not target.is_dir():
        raise InputError(
            f"the output folder {given!r} is a file; give another folder or remove it"
        )
    if target.is_dir() and not os.access(target, os.W_OK | os.X_OK):
        raise _unwritable(given, "permission denied")
    place = target.parent
    # Folders above the target that are missing come only with the files, so that a
    # failure leaves none of them behind.
    while not place.exists():
        place = place.parent
    # Files move at once within a filesystem only, and a target may be the root of one.
    if os.path.ismount(target):
        place = target
    temporary = place / f".hyperlimit-{secrets.token_hex(8)}"
    # tempfile.mkdtemp would shut out everybody but the owner.
    temporary.mkdir()
    return temporary


def _moves(temporary: Path, target: Path, given: str) -> list[tuple[Path, Path]]:
    files = sorted(path for path in temporary.rglob("*") if not path.is_dir())
    moves = [(path, target / path.relative_to(temporary)) for path in files]
    for _, end in moves:
        above = [folder for folder in end.parents if folder.is_relative_to(target)]
        if end.is_dir() or any(f.exists() and not f.is_dir() for f in above):
            raise InputError(
                f"{str(end.relative_to(target))!r} cannot be written to the output "
                f"folder {given!r}, where a file and a folder of one name would meet; "
                "give another folder"
            )
    return moves


def _move(moves: list[tuple[Path, Path]], temporary: Path, target: Path) -> None:
    ordinary = _ordinary_bits(temporary)
    target.mkdir(parents=True, exist_ok=True)
    for start, end in moves:
        # Files made by tempfile are readable by their owner only.
        start.chmod(start.stat().st_mode | ordinary)
        end.parent.mkdir(parents=True, exist_ok=True)
        os.replace(start, end)


def _ordinary_bits(temporary: Path) -> int:
    # Asking the system for the umask means to change it for a moment, which other
    # threads would feel; a new file shows it.
    probe = temporary / f"probe-{secrets.token_hex(8)}"
    probe.touch()
    bits = probe.stat().st_mode & 0o777
    probe.unlink()
    return bits


def _unwritable(given: str, reason: str | None) -> InputError:
    return InputError(
        f"the output folder {given!r} cannot be written ({reason or 'unknown reason'});"
        " give a folder that can be"
    )
