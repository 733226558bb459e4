"""Running text as words: a packaged one by name, or files of the user's."""

import re
from pathlib import Path

from hyperlimit.data._wikipedia import wikipedia_articles
from hyperlimit.errors import InputError

_WORD = re.compile(r"[^\W\d_]+")


def words(source: str) -> list[str]:
    """The words of a text in their order: runs of letters, in lower case.

    Args:
        source: "wikipedia" (`hyperlimit.data.wikipedia_articles`), a file of plain
            text, or a folder, of which the files that end in .txt are read one after
            the other in the order of their names.

    Raises:
        InputError: there is no such file or folder, it cannot be read as UTF-8, or
            it holds no words.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.txt").write_text("It's 5 o'clock.")
        ...     words(folder)
        ['it', 's', 'o', 'clock']
    """
    if source == "wikipedia":
        texts = wikipedia_articles()
    else:
        texts = tuple(_text(path) for path in _files(Path(source)))
    found = [word for text in texts for word in _WORD.findall(text.lower())]
    if not found:
        raise InputError(f"{source!r} holds no words; give a text of natural language")
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.txt"))
    if not files:
        raise InputError(
            f"no file in the folder {str(path)!r} ends in .txt; give a folder of such "
            "files, or the path of one file of text"
        )
    return files


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(
            f"{str(path)!r} cannot be read as text ({reason}); give 'wikipedia', or a "
            "file or folder of plain text in UTF-8"
        ) from error
