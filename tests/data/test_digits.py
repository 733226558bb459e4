import sys

import numpy as np

from hyperlimit.data import digits


def test_count_shape_and_labels():
    images = digits()
    assert images.n == 1797
    assert images.shape == (8, 8, 1)
    assert images.name == "digits"
    assert images.labels[:4] == ("0", "1", "2", "3")


def test_values_are_sixteenths():
    pixels = digits().pixels
    # The first row of the first digit, from the published data.
    np.testing.assert_array_equal(pixels[0, 0, :, 0] * 16, [0, 0, 5, 13, 9, 1, 0, 0])
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_resizes():
    assert digits((4, 6)).shape == (4, 6, 1)


def test_refuses_an_empty_size(refuses):
    with refuses("size 0x4"):
        digits((0, 4))


def test_refuses_without_the_package(monkeypatch, refuses):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with refuses("'digits'", "pip install 'hyperlimit[sklearn]'"):
        digits()
