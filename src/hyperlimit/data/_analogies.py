"""Questions of the form: a is to b as c is to what?"""

from typing import NamedTuple

from hyperlimit.data._installed_folder import damaged, installed_folder

_COUNT = 19_544


class Analogy(NamedTuple):
    """a is to b as c is to d, such as Athens, Greece, Oslo, Norway; in lower case."""

    a: str
    b: str
    c: str
    d: str


def analogies() -> tuple[Analogy, ...]:
    """Load 19,544 analogies between words, of capitals, families and inflections.

    Source: T. Mikolov, K. Chen, G. Corrado and J. Dean, *Efficient Estimation of Word
    Representations in Vector Space*, 2013, in the copy that the package gensim
    carries for its tests.

    Raises:
        InputError: gensim is not installed or its file is damaged.
    """
    folder = installed_folder("gensim", "analogies", "words")
    path = folder / "test" / "test_data" / "questions-words.txt"
    try:
        lines = path.read_text(encoding="utf-8").lower().splitlines()
        # A line that starts with a colon is a heading.
        found = [Analogy(*line.split()) for line in lines if not line.startswith(":")]
    except (OSError, ValueError, TypeError) as error:
        expected = f"{_COUNT} analogies"
        raise damaged("gensim", "analogies", "unreadable", expected) from error
    if len(found) != _COUNT:
        raise damaged("gensim", "analogies", f"{len(found)} lines", f"{_COUNT} lines")
    return tuple(found)
