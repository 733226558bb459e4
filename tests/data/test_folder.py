from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperlimit.data import folder


def grey(path: Path, value: int = 0, size: tuple[int, int] = (4, 3)) -> None:
    Image.new("L", size, value).save(path)


def test_sorts_by_name_and_labels_with_it(tmp_path):
    for name, value in (("b.png", 1), ("a.bmp", 2), ("c.PGM", 3), ("B.jpeg", 4)):
        grey(tmp_path / name, value)
    images = folder(tmp_path)
    assert images.labels == ("B.jpeg", "a.bmp", "b.png", "c.PGM")
    assert images.name == tmp_path.name
    assert images.shape == (3, 4, 1)
    np.testing.assert_allclose(images.pixels[:, 0, 0, 0] * 255, [4, 2, 1, 3], atol=1e-4)


def test_passes_over_all_else(tmp_path):
    grey(tmp_path / "image.png")
    grey(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "inner.png").mkdir()
    grey(tmp_path / "inner.png" / "deep.png")
    assert folder(str(tmp_path)).labels == ("image.png",)


def test_any_colour_gives_three_channels(tmp_path):
    grey(tmp_path / "grey.png", 51)
    Image.new("RGB", (4, 3), "red").save(tmp_path / "red.png")
    images = folder(tmp_path)
    assert images.shape == (3, 4, 3)
    np.testing.assert_allclose(images.pixels[0], 0.2, atol=1e-6)
    np.testing.assert_array_equal(images.pixels[1, 0, 0], [1, 0, 0])


def test_all_grey_gives_one_channel_in_whatever_mode(tmp_path):
    grey(tmp_path / "a.png")
    Image.new("RGB", (4, 3), "white").save(tmp_path / "b.png")
    Image.new("RGBA", (4, 3), "black").save(tmp_path / "c.png")
    Image.new("P", (4, 3)).save(tmp_path / "d.png")
    assert folder(tmp_path).shape == (3, 4, 1)


def test_size_brings_images_together(tmp_path):
    grey(tmp_path / "a.png", size=(4, 3))
    grey(tmp_path / "b.png", size=(1, 1))
    assert folder(tmp_path, (5, 6)).pixels.shape == (2, 5, 6, 1)


def test_refuses_several_sizes_without_size(tmp_path, refuses):
    grey(tmp_path / "a.png", size=(4, 3))
    grey(tmp_path / "b.png", size=(1, 2))
    with refuses(repr(str(tmp_path)), "'a.png' of 3x4", "'b.png' of 2x1", "--size"):
        folder(tmp_path)


def test_refuses_no_folder(tmp_path, refuses):
    missing = tmp_path / "missing"
    with refuses(repr(str(missing)), "No such file", "path of a folder"):
        folder(missing)


def test_refuses_a_file(tmp_path, refuses):
    grey(tmp_path / "a.png")
    with refuses("a.png", "Not a directory", "path of a folder"):
        folder(tmp_path / "a.png")


@pytest.mark.parametrize("names", [(), ("notes.txt", "image.tiff")])
def test_refuses_a_folder_without_images(tmp_path, names, refuses):
    for name in names:
        (tmp_path / name).write_text("")
    with refuses(f"none of the {len(names)} entries", repr(str(tmp_path)), "PNG, JPEG"):
        folder(tmp_path)


def test_refuses_a_truncated_image_and_names_it(tmp_path, refuses):
    grey(tmp_path / "a.png")
    grey(tmp_path / "b.bmp", size=(40, 30))
    (tmp_path / "b.bmp").write_bytes((tmp_path / "b.bmp").read_bytes()[:200])
    with refuses(repr(str(tmp_path / "b.bmp")), "cannot be read"):
        folder(tmp_path)


def test_one_line_whatever_the_name(tmp_path, refuses):
    (tmp_path / "two\nlines.png").write_text("")
    with refuses("two\\nlines.png"):
        folder(tmp_path)
