import pytest
from PIL import Image

from hyperlimit.data import LOADERS, load


def test_registry():
    assert set(LOADERS) == {"digits", "faces", "fashion", "mnist"}


def test_by_name():
    assert load("digits", (4, 4)).pixels.shape == (1797, 4, 4, 1)


def test_by_folder(tmp_path):
    Image.new("L", (3, 2)).save(tmp_path / "a.png")
    assert load(str(tmp_path)).shape == (2, 3, 1)
    assert load(str(tmp_path), (4, 4)).shape == (4, 4, 1)


def test_a_name_comes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    Image.new("L", (3, 2)).save(tmp_path / "digits" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert load("digits").n == 1797
    assert load("./digits").n == 1


@pytest.mark.parametrize("source", ["digit", "", "no/such/folder"])
def test_refuses_the_unknown(source, refuses):
    with refuses(repr(source), "digits, faces, fashion, mnist", "folder of images"):
        load(source)
