import numpy as np
import pytest

from hyperlimit.data import _glyphs, glyphs


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(_glyphs, "_RUNS", {"Greek": ("πρ",), "Latin": ("AC",)})


def test_order_labels_and_size(few):
    images = glyphs((20, 16))
    assert images.shape == (20, 16, 1)
    characters = ("Greek/π", "Greek/\N{GREEK SMALL LETTER RHO}", "Latin/A", "Latin/B")
    assert tuple(dict.fromkeys(images.labels)) == (*characters, "Latin/C")
    assert images.labels[20:40] == (characters[1],) * 20
    assert images.n == 100


def test_copies_are_alike_and_not_equal(few):
    """Characters are light on black, in the middle, and one's copies are neighbours."""
    images = glyphs()
    assert images.shape == (105, 105, 1)
    copies = images.pixels[..., 0].reshape(5, 20, -1)
    assert np.all(copies.mean(axis=2) > 0.01)
    assert np.all(np.median(copies, axis=2) == 0)
    border = copies.reshape(100, 105, 105).copy()
    border[:, 5:-5, 5:-5] = 0
    assert border.max() == 0
    flat = copies.reshape(100, -1)
    assert len(np.unique(flat, axis=0)) == 100
    products = flat @ flat.T
    near = np.diag(products)[:, None] + np.diag(products)[None] - 2 * products
    np.fill_diagonal(near, np.inf)
    same = near.argmin(axis=1) // 20 == np.arange(100) // 20
    assert same.mean() > 0.9


def test_every_character_is_in_the_fonts(monkeypatch):
    """A missing one would be drawn as the same box."""
    monkeypatch.setattr(_glyphs, "_COPIES", 1)
    monkeypatch.setattr(_glyphs, "_FACES", _glyphs._FACES[:1])
    monkeypatch.setattr(
        _glyphs, "_distorted", lambda image, *_: np.asarray(image, np.float32) / 255
    )
    images = glyphs()
    assert images.n == 261
    assert len({label.split("/")[0] for label in images.labels}) == 8
    # Latin o and Cyrillic o are one drawing, boxes would be many.
    pictures = np.unique(images.pixels.reshape(images.n, -1), axis=0)
    assert len(pictures) > 250


def test_the_seed_is_of_the_distortions(few, refuses):
    one, again, other = glyphs((8, 8)), glyphs((8, 8)), glyphs((8, 8), seed=1)
    np.testing.assert_array_equal(one.pixels, again.pixels)
    assert not np.array_equal(one.pixels, other.pixels)
    with refuses("seed -1"):
        glyphs((8, 8), seed=-1)
