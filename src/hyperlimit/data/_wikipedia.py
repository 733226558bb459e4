"""The part of Wikipedia that gensim carries, without its markup."""

import bz2
import html
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from hyperlimit.data._installed_folder import damaged, installed_folder

_FILE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_LINES = re.DOTALL | re.IGNORECASE
# What is no prose; a reference or a table may hold tags, so they go first.
_NO_PROSE = tuple(
    re.compile(pattern, _LINES)
    for pattern in (
        r"<!--.*?-->",
        r"<ref[^<>]*/>",
        r"<ref\b.*?</ref>",
        r"<(math|gallery|timeline|source|code)\b.*?</\1>",
        r"<[^<>]*>",
    )
)
# Innermost first, as they lie in each other.
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\{\|[^{}]*\|\}")
_LINK = re.compile(r"\[\[(?:[^\[\]|]*:[^\[\]]*|(?:[^\[\]]*\|)?([^\[\]|]*))\]\]")
_ADDRESS = re.compile(r"\[?\w+://\S*")


def wikipedia_articles() -> tuple[str, ...]:
    """Load 106 articles of the English Wikipedia of 2016, 450,000 words, as prose.

    Templates, tables, references, addresses, and links to files and other languages
    are left out; of other links their text stays.

    Source: contributors of Wikipedia, CC BY-SA 3.0, in the part that the package
    gensim carries for its tests.

    Raises:
        InputError: gensim is not installed or its file is damaged.
    """
    folder = installed_folder("gensim", "wikipedia", "words")
    path = folder / "test" / "test_data" / _FILE
    try:
        return tuple(without_markup(source) for source in _sources(path))
    except (OSError, EOFError, ValueError, ElementTree.ParseError) as error:
        raise damaged("gensim", "wikipedia", "unreadable", "106 articles") from error


def without_markup(source: str) -> str:
    """The prose of an article in the markup of Wikipedia.

    Example:
        >>> without_markup("'''Ants''' {{r|1}} of [[Ant#Life|two]] [[ant]]<ref>x</ref>")
        "'''Ants'''   of two ant "
    """
    text = html.unescape(source)
    for pattern in _NO_PROSE:
        text = pattern.sub(" ", text)
    text = _everywhere(_LINK, r"\1", _everywhere(_TEMPLATE, " ", text))
    return html.unescape(_ADDRESS.sub(" ", text))


def _sources(path: Path) -> Iterator[str]:
    with bz2.open(path) as file:
        for _, element in ElementTree.iterparse(file):
            text = element.text if element.tag.endswith("}text") else None
            if text and not text.lstrip().upper().startswith("#REDIRECT"):
                yield text
            element.clear()


def _everywhere(pattern: re.Pattern[str], replacement: str, text: str) -> str:
    count = 1
    while count:
        text, count = pattern.subn(replacement, text)
    return text
