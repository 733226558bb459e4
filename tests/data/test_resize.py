import numpy as np
import pytest

from hyperlimit.data._resize import resize


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).random((3, 8, 6, 2), np.float32)


@pytest.mark.parametrize("size", [None, (8, 6)])
def test_leaves_the_same_size_alone(pixels, size):
    assert resize(pixels, size) is pixels


@pytest.mark.parametrize("size", [(4, 3), (16, 12), (1, 1), (16, 2)])
def test_keeps_a_constant_constant(size):
    result = resize(np.full((2, 8, 6, 3), 0.3, np.float32), size)
    assert result.shape == (2, *size, 3)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, 0.3, atol=1e-6)


@pytest.mark.parametrize("size", [(4, 3), (16, 12)])
def test_clips_the_overshoot_at_an_edge(size):
    edge = np.zeros((1, 8, 6, 1), np.float32)
    edge[:, 4:] = 1
    result = resize(edge, size)
    assert result.min() == 0
    assert result.max() == 1


def test_channels_and_images_do_not_mix(pixels):
    whole = resize(pixels, (5, 5))
    alone = resize(pixels[1:2, :, :, 1:], (5, 5))
    np.testing.assert_array_equal(whole[1:2, :, :, 1:], alone)


def test_keeps_more_than_eight_bits():
    fine = np.full((1, 4, 4, 1), 1000.5 / 65535, np.float32)
    np.testing.assert_allclose(resize(fine, (2, 2)), fine[:, :2, :2], rtol=1e-6)


def test_height_comes_first():
    rows = np.zeros((1, 4, 4, 1), np.float32)
    rows[:, :2] = 1
    result = resize(rows, (2, 1))[0, :, 0, 0]
    assert result[0] > 0.9
    assert result[1] < 0.1


@pytest.mark.parametrize("size", [(0, 8), (8, -1)])
def test_refuses_empty_sizes(pixels, size, refuses):
    with refuses(f"size {size[0]}x{size[1]} is empty", "1x1"):
        resize(pixels, size)
