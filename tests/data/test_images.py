from typing import Any

import numpy as np
import pytest

from hyperlimit.data import Images


def made(pixels: Any, labels: Any, name: str = "set") -> Images:
    """Let through what the types of Images forbid."""
    return Images(pixels, name, labels)


def numbered(n: int) -> Images:
    pixels = np.arange(n).reshape(n, 1, 1, 1) / n
    return made(pixels, tuple(map(str, range(n))), "numbered")


def test_shape_count_and_type():
    images = made(np.ones((5, 3, 4, 2), np.float64), ["x"] * 5)
    assert images.n == 5
    assert images.shape == (3, 4, 2)
    assert images.pixels.dtype == np.float32
    assert images.labels == ("x",) * 5


@pytest.mark.parametrize("field", ["pixels", "name", "labels"])
def test_is_frozen(field):
    with pytest.raises(AttributeError):
        setattr(numbered(2), field, "other")


def test_split_takes_the_first_and_the_last_of_the_shuffled_order():
    images = numbered(10)
    train, test = images.split(train=6, test=3, seed=7)
    order = np.random.default_rng(7).permutation(10)
    assert train.labels == tuple(str(i) for i in order[:6])
    assert test.labels == tuple(str(i) for i in order[-3:])
    np.testing.assert_array_equal(train.pixels, images.pixels[order[:6]])
    np.testing.assert_array_equal(test.pixels, images.pixels[order[-3:]])
    assert train.name == "numbered"


def test_split_repeats_with_its_seed_only():
    first, _ = numbered(50).split(40, 10, seed=1)
    again, _ = numbered(50).split(40, 10, seed=1)
    other, _ = numbered(50).split(40, 10, seed=2)
    assert first.labels == again.labels
    assert first.labels != other.labels


def test_split_can_use_all_images_once():
    train, test = numbered(10).split(7, 3, seed=0)
    assert sorted(train.labels + test.labels) == sorted(numbered(10).labels)


@pytest.mark.parametrize(("train", "test"), [(0, 1), (1, 0), (-3, 1)])
def test_split_refuses_empty_sets(train, test, refuses):
    part = "train" if train < 1 else "test"
    with refuses(f"{min(train, test)} {part} images", "the 10 of 'numbered'"):
        numbered(10).split(train, test, seed=0)


def test_split_says_how_many_there_are(refuses):
    with refuses("8 train and 3 test", "'numbered'", "has 10", "sum to 10"):
        numbered(10).split(8, 3, seed=0)


def test_split_refuses_a_negative_seed(refuses):
    with refuses("seed -1 is negative"):
        numbered(3).split(1, 1, seed=-1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_pixels_that_are_not_finite_and_says_which(value, refuses):
    pixels = np.zeros((3, 2, 2, 1))
    pixels[1, 0, 1, 0] = value
    with refuses("image 1 ('b')", "not finite"):
        made(pixels, ("a", "b", "c"))


def test_refuses_other_ranges(refuses):
    pixels = np.zeros((2, 2, 2, 1), np.uint8)
    pixels[1, 0, 0] = 255
    with refuses("image 1 ('b')", "from 0 to 255", "divide"):
        made(pixels, ("a", "b"))
    with refuses("image 0 ('a')", "from -0.5 to -0.5"):
        made(np.full((1, 1, 1, 1), -0.5), ("a",))


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8), (0, 8, 8, 1), (2, 8, 8, 0)])
def test_refuses_other_shapes(shape, refuses):
    with refuses(f"shape {shape}", "(n, height, width, channels)"):
        made(np.zeros(shape), ())


def test_refuses_labels_that_do_not_fit(refuses):
    with refuses("1 labels do not fit 2 images"):
        made(np.zeros((2, 1, 1, 1)), ("a",))


def test_refuses_pixels_that_are_not_real(refuses):
    with refuses("complex128", "float32"):
        made(np.zeros((1, 1, 1, 1), complex), ("a",))
