import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from hyperlimit.data import omniglot

CHARACTERS = (
    ("Greek", "character01"),
    ("Greek", "character02"),
    ("Runes", "character01"),
)
PEOPLE = 3


def drawing(seed):
    return np.random.default_rng(seed).integers(0, 2, (6, 5)).astype(bool)


def png(ink):
    """Black on white, of one bit, as the authors store them."""
    content = io.BytesIO()
    Image.fromarray(~ink).convert("1").save(content, "PNG")
    return content.getvalue()


def archived(path, folder, characters, people=PEOPLE):
    with zipfile.ZipFile(path, "w") as archive:
        for alphabet, character in characters:
            # Backwards: the order of the archive is none.
            for person in reversed(range(people)):
                seed = [len(alphabet), ord(character[-1]), person]
                name = f"{folder}/{alphabet}/{character}/0001_{person:02d}.png"
                archive.writestr(name, png(drawing(seed)))
        archive.writestr(f"{folder}/README.txt", "no drawing")


@pytest.fixture
def folder(tmp_path):
    """Two archives, of which one character is in both."""
    archived(tmp_path / "images_one.zip", "images_one", CHARACTERS[1:])
    archived(tmp_path / "images_two.zip", "images_two", CHARACTERS[:2])
    (tmp_path / "other.zip").write_bytes(b"none of ours")
    return tmp_path


def test_order_labels_and_ink(folder):
    images = omniglot(folder)
    assert images.name == "omniglot"
    assert images.shape == (6, 5, 1)
    expected = [f"{a}/{c}" for a, c in CHARACTERS for _ in range(PEOPLE)]
    assert images.labels == tuple(expected)
    inks = [
        drawing([len(a), ord(c[-1]), person])
        for a, c in CHARACTERS
        for person in range(PEOPLE)
    ]
    np.testing.assert_array_equal(images.pixels[..., 0], np.array(inks, np.float32))
    assert omniglot(str(folder), (3, 4)).shape == (3, 4, 1)


def test_a_folder_without_archives(tmp_path, refuses):
    for path in (tmp_path, tmp_path / "nowhere"):
        with refuses(str(path), "images_*.zip", "omniglot"):
            omniglot(path)


def test_damaged_archives(folder, refuses):
    path = folder / "images_one.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with refuses("images_one.zip", "cannot be read", "load it again"):
        omniglot(folder)
    at = whole.index(b"PNG")
    path.write_bytes(whole[:at] + b"XXX" + whole[at + 3 :])
    with refuses("images_one.zip"):
        omniglot(folder)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images_one/Runes/character01/0001_00.png", b"no image")
    with refuses("Runes/character01/0001_00.png", "is no image"):
        omniglot(folder)


def test_characters_that_not_everyone_drew(folder, refuses):
    archived(folder / "images_three.zip", "images", (("Runes", "character02"),), 2)
    with refuses("2 to 3 drawings", "whole"):
        omniglot(folder)
    with zipfile.ZipFile(folder / "images_three.zip", "w"):
        pass
    for name in ("images_one.zip", "images_two.zip"):
        (folder / name).unlink()
    with refuses("no drawings"):
        omniglot(folder)
