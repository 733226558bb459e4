import gzip
import struct

import numpy as np
import pytest

from hyperlimit.data import _fashion, fashion, load

PARTS = (("train", 3), ("t10k", 2))


def idx(values):
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return gzip.compress(head + values.tobytes())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three pictures and two more, of random bytes."""
    draw = np.random.default_rng(0)
    for name, count in PARTS:
        images = draw.integers(0, 256, (count, 28, 28), np.uint8)
        labels = draw.integers(0, 10, count, np.uint8)
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (tmp_path / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    monkeypatch.setenv("HYPERLIMIT_FASHION", str(tmp_path))
    monkeypatch.setattr(_fashion, "_PARTS", PARTS)
    return tmp_path


def test_pixels_are_those_of_the_files(folder):
    images = load("fashion")
    assert images.pixels.shape == (5, 28, 28, 1)
    content = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    last = np.frombuffer(content, np.uint8)[-784:].reshape(28, 28)
    np.testing.assert_allclose(images.pixels[4, ..., 0], last / 255, atol=1e-7)
    content = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())
    assert images.labels[:3] == tuple(map(str, content[8:]))
    assert fashion((14, 7)).shape == (14, 7, 1)


def test_files_that_are_not_there_or_damaged(folder, refuses):
    path = folder / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for content in (whole[:-9], b"not gzip", gzip.compress(b"1234")):
        path.write_bytes(content)
        with refuses("train-images", "damaged", "(3, 28, 28)"):
            fashion()
    path.unlink()
    with refuses("no file", "dataset-fashion-mnist", "HYPERLIMIT_FASHION"):
        fashion()
