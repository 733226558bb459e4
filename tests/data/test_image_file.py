import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperlimit.data._image_file import read_image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


@pytest.mark.parametrize("suffix", ["png", "pgm", "bmp", "jpg"])
def test_one_grey_pixel(tmp_path, suffix):
    path = tmp_path / f"one.{suffix}"
    Image.new("L", (1, 1), 51).save(path)
    image = read_image(path)
    assert image.shape == (1, 1, 1)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, 0.2, atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "ppm", "bmp"])
def test_colour(tmp_path, suffix):
    path = tmp_path / f"colour.{suffix}"
    Image.new("RGB", (3, 2), (255, 0, 51)).save(path)
    image = read_image(path)
    assert image.shape == (2, 3, 3)
    np.testing.assert_allclose(image[1, 2], [1, 0, 0.2], atol=1e-6)


def test_colour_with_equal_channels_is_grey(tmp_path):
    Image.new("RGB", (3, 2), (51, 51, 51)).save(tmp_path / "grey.png")
    assert read_image(tmp_path / "grey.png").shape == (2, 3, 1)


def test_one_bit(tmp_path):
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "bits.png")
    np.testing.assert_array_equal(read_image(tmp_path / "bits.png")[0, :, 0], [0, 1])


def test_palette(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(
        read_image(tmp_path / "palette.png"), [[[1, 0, 0], [0, 0, 1]]]
    )


def test_transparent_palette_entry_is_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "palette.png", transparency=b"\xff\x00")
    np.testing.assert_array_equal(
        read_image(tmp_path / "palette.png"), [[[1, 0, 0], [1, 1, 1]]]
    )


def test_alpha_is_laid_over_white(tmp_path):
    image = Image.new("RGBA", (3, 1))
    for column, alpha in enumerate((0, 51, 255)):
        image.putpixel((column, 0), (255, 0, 0, alpha))
    image.save(tmp_path / "alpha.png")
    np.testing.assert_allclose(
        read_image(tmp_path / "alpha.png")[0],
        [[1, 1, 1], [1, 0.8, 0.8], [1, 0, 0]],
        atol=1e-6,
    )


def test_grey_with_alpha_stays_grey(tmp_path):
    Image.new("LA", (2, 2), (0, 102)).save(tmp_path / "alpha.png")
    image = read_image(tmp_path / "alpha.png")
    assert image.shape == (2, 2, 1)
    np.testing.assert_allclose(image, 0.6, atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "pgm"])
def test_sixteen_bits_are_kept(tmp_path, suffix):
    values = np.array([[0, 1, 255, 256], [1000, 32768, 65534, 65535]], np.uint16)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(values).save(path)
    image = read_image(path)
    assert image.shape == (2, 4, 1)
    np.testing.assert_allclose(image[..., 0], values / 65535, rtol=1e-6)


def test_sixteen_bits_with_a_transparent_value(tmp_path):
    rows = b"".join(b"\0" + struct.pack(">2H", *row) for row in [(7, 65535), (0, 8)])
    header = struct.pack(">IIBBBBB", 2, 2, 16, 0, 0, 0, 0)
    path = tmp_path / "deep.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"tRNS", struct.pack(">H", 7))
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )
    expected = [[1, 1], [0, 8 / 65535]]
    np.testing.assert_allclose(read_image(path)[..., 0], expected, rtol=1e-6)


def test_sixteen_bit_colour(tmp_path):
    row = b"\0" + struct.pack(">3H", 65535, 0, 0x3333)
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    path = tmp_path / "deep.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(row))
        + png_chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(read_image(path), [[[1, 0, 0.2]]], atol=1 / 255)


def test_twelve_bit_pgm(tmp_path):
    path = tmp_path / "twelve.pgm"
    path.write_bytes(b"P5\n2 1\n4095\n" + struct.pack(">2H", 4095, 819))
    np.testing.assert_allclose(read_image(path)[0, :, 0], [1, 0.2], atol=1e-4)


def test_jpeg_of_four_inks(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "inks.jpg")
    np.testing.assert_allclose(
        read_image(tmp_path / "inks.jpg")[4, 4], [1, 0, 0], atol=0.03
    )


def test_photograph_is_turned_as_it_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (8, 4, 1)


def noise(path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(values).save(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "ppm", "bmp"])
@pytest.mark.parametrize("share", [0.0, 0.005, 0.5])
def test_refuses_truncated_files(tmp_path, suffix, share, refuses):
    path = tmp_path / f"cut.{suffix}"
    noise(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with refuses(repr(str(path)), "damaged or of another kind", "replace or remove"):
        read_image(path)


def test_refuses_floating_point(tmp_path, refuses):
    path = tmp_path / "float.pgm"
    path.write_bytes(b"Pf\n1 1\n-1.0\n" + struct.pack("<f", np.nan))
    with refuses("float.pgm", "of another kind"):
        read_image(path)


def test_refuses_other_kinds_under_a_known_suffix(tmp_path, refuses):
    path = tmp_path / "really_a_gif.png"
    Image.new("L", (2, 2)).save(path, format="GIF")
    with refuses("really_a_gif.png", "of another kind"):
        read_image(path)


def test_refuses_enormous_images(tmp_path, monkeypatch, refuses):
    noise(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with refuses("large.png"):
        read_image(tmp_path / "large.png")


def test_large_images_give_no_warning(tmp_path, monkeypatch):
    noise(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_image(tmp_path / "large.png").shape == (32, 32, 3)


def test_missing_file_says_so(tmp_path, refuses):
    with refuses("none.png", "No such file"):
        read_image(tmp_path / "none.png")
