"""Texts as words, markup taken off, analogies."""

import bz2
from importlib.util import find_spec

import pytest

from hyperlimit.data import analogies, wikipedia_articles, words
from hyperlimit.data._wikipedia import without_markup

with_gensim = pytest.mark.skipif(
    find_spec("gensim") is None, reason="gensim is not installed"
)


def test_a_file_and_a_folder(tmp_path):
    (tmp_path / "b.txt").write_text("Zwölf Boxkämpfer, x2 well-known\nÉTÉ")
    (tmp_path / "a.txt").write_text("First")
    (tmp_path / "c.md").write_text("unread")
    of_b = ["zwölf", "boxkämpfer", "x", "well", "known", "été"]
    assert words(str(tmp_path / "b.txt")) == of_b
    assert words(str(tmp_path)) == ["first", *of_b]


def test_what_is_no_text_is_refused(tmp_path, refuses):
    with refuses("nowhere.txt", "give 'wikipedia'"):
        words(str(tmp_path / "nowhere.txt"))
    with refuses("ends in .txt"):
        words(str(tmp_path))
    (tmp_path / "latin.txt").write_bytes("été".encode("latin-1"))
    with refuses("latin.txt", "UTF-8"):
        words(str(tmp_path / "latin.txt"))
    (tmp_path / "digits.txt").write_text("1 2 3")
    with refuses("digits.txt", "no words"):
        words(str(tmp_path / "digits.txt"))


@pytest.mark.parametrize(
    ("source", "prose"),
    [
        ("a [[b]] [[c|d e]] [[File:x.png|thumb|of [[f]] g]] h", "a b d e h"),
        ("a {{b|{{c}}|d=[[e]]}} f {| class=g\n| h {{i}} |} j", "a f j"),
        ("a<ref name=b>c {{d}}</ref>e<ref name=b/>f<references/>g", "a e f g"),
        ("a&lt;ref&gt;b&lt;/ref&gt; c &amp;amp; d &eacute;", "a c & d é"),
        ("a<!-- b\n--> <math>c_d</math> <b>e</b>", "a e"),
        ("a [http://b.org/c d e] https://f.g/h i", "a d e] i"),
        ("[[de:a]] [[Category:b]] ''c''", "''c''"),
    ],
)
def test_markup_is_taken_off(source, prose):
    assert without_markup(source).split() == prose.split()


@with_gensim
def test_the_packaged_text_and_analogies():
    articles = wikipedia_articles()
    assert len(articles) == 106
    assert "anarchism" in articles[0][:100].lower()
    text = words("wikipedia")
    assert 450_000 < len(text) < 455_000
    # Of the names of markup little is left.
    assert sum(word in ("ref", "nbsp", "thumb", "http") for word in text) < 50
    every = analogies()
    assert len(every) == 19_544
    assert every[0] == ("athens", "greece", "baghdad", "iraq")


def test_a_missing_or_damaged_package(tmp_path, monkeypatch, refuses):
    found = "hyperlimit.data._installed_folder.find_spec"
    monkeypatch.setattr(found, lambda name: None)
    for load in (wikipedia_articles, analogies):
        with refuses("gensim", "hyperlimit[words]"):
            load()

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(found, lambda name: Spec)
    for load in (wikipedia_articles, analogies):
        with refuses("unreadable", "--force-reinstall gensim"):
            load()
    folder = tmp_path / "test" / "test_data"
    folder.mkdir(parents=True)
    (folder / "questions-words.txt").write_text(": a\nb c d e\n")
    with refuses("1 lines", "19544"):
        analogies()
    name = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
    (folder / name).write_bytes(bz2.compress(b"<a><text>b"))
    with refuses("unreadable"):
        wikipedia_articles()
