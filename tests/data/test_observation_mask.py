import numpy as np
import pytest
from PIL import Image

from hyperlimit.data import observation_mask


@pytest.mark.parametrize(("height", "rows"), [(2, 1), (3, 1), (7, 3), (8, 4)])
def test_halves(height, rows):
    top = observation_mask("top-half", (height, 5), seed=0)
    assert top.dtype == np.bool_
    assert top.shape == (height, 5)
    assert top[:rows].all()
    assert not top[rows:].any()
    left = observation_mask("left-half", (5, height), seed=0)
    np.testing.assert_array_equal(left, top.T)


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("random:1", 1),
        ("random:63", 63),
        ("random:0.25", 16),
        ("random:.5", 32),
        ("random:0.1", 6),
    ],
)
def test_random_observes_exactly_so_many(rule, count):
    assert observation_mask(rule, (8, 8), seed=3).sum() == count


def test_random_repeats_with_its_seed_only():
    first = observation_mask("random:20", (8, 8), seed=3)
    np.testing.assert_array_equal(first, observation_mask("random:20", (8, 8), 3))
    assert (first != observation_mask("random:20", (8, 8), 4)).any()


def test_random_with_more_pixels_includes_fewer():
    few = observation_mask("random:10", (8, 8), seed=3)
    many = observation_mask("random:30", (8, 8), seed=3)
    assert many[few].all()


def test_random_draws_as_documented():
    order = np.random.default_rng([3, 1]).permutation(64)
    mask = observation_mask("random:10", (8, 8), seed=3)
    assert set(np.flatnonzero(mask)) == set(order[:10])


@pytest.mark.parametrize(
    "rule",
    [
        "random:0",
        "random:64",
        "random:-3",
        "random:",
        "random:x",
        "random:nan",
        "random:1e1",
        "random:0.0",
        "random:1.0",
        "random:2.5",
        "random:.",
        "random:1_0",
        "random:99999999999999999999",
    ],
)
def test_refuses_other_counts(rule, refuses):
    with refuses(repr(rule), "from 1 to 63 of the 64", "random:0.5"):
        observation_mask(rule, (8, 8), seed=0)


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_image_observes_where_bright(tmp_path, mode):
    image = Image.new(mode, (3, 2))
    image.putpixel((2, 1), (255, 255, 255) if mode == "RGB" else 255)
    path = tmp_path / "mask.png"
    image.save(path)
    mask = observation_mask(str(path), (2, 3), seed=0)
    np.testing.assert_array_equal(mask, [[0, 0, 0], [0, 0, 1]])
    assert mask.dtype == np.bool_


def test_image_brightness(tmp_path):
    path = tmp_path / "mask.png"
    image = Image.new("L", (2, 1))
    image.putdata([127, 128])
    image.save(path)
    np.testing.assert_array_equal(observation_mask(str(path), (1, 2), 0), [[0, 1]])
    colours = Image.new("RGB", (3, 1))
    colours.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255)])
    colours.save(path)
    np.testing.assert_array_equal(observation_mask(str(path), (1, 3), 0), [[0, 1, 0]])


def test_refuses_an_image_of_another_shape(tmp_path, refuses):
    path = tmp_path / "mask.png"
    Image.new("L", (3, 2)).save(path)
    with refuses(repr(str(path)), "2x3", "8x8"):
        observation_mask(str(path), (8, 8), seed=0)


@pytest.mark.parametrize(("value", "amount"), [(0, "none"), (255, "all")])
def test_refuses_an_image_that_divides_nothing(tmp_path, value, amount, refuses):
    path = tmp_path / "mask.png"
    Image.new("L", (3, 2), value).save(path)
    with refuses(repr(str(path)), f"{amount} of the 6", "2x3"):
        observation_mask(str(path), (2, 3), seed=0)


def test_refuses_the_half_of_one_row(refuses):
    with refuses("'top-half'", "all of the 8", "1x8"):
        observation_mask("top-half", (1, 8), seed=0)
    with refuses("'left-half'", "all of the 8", "8x1"):
        observation_mask("left-half", (8, 1), seed=0)


@pytest.mark.parametrize("shape", [(1, 1), (0, 8), (-2, -3)])
def test_refuses_images_that_cannot_be_divided(shape, refuses):
    with refuses(f"{shape[0]}x{shape[1]}", "2 pixels or more"):
        observation_mask("random:1", shape, seed=0)


def test_refuses_a_damaged_image(tmp_path, refuses):
    path = tmp_path / "mask.png"
    path.write_text("")
    with refuses(repr(str(path)), "cannot be read"):
        observation_mask(str(path), (2, 2), seed=0)


@pytest.mark.parametrize("rule", ["bottom-half", "", "no/such/mask.png", "random"])
def test_refuses_unknown_rules(rule, refuses):
    with refuses(repr(rule), "top-half, left-half, random:P", "path of an image"):
        observation_mask(rule, (8, 8), seed=0)


def test_refuses_a_negative_seed(refuses):
    with refuses("seed -2"):
        observation_mask("random:3", (8, 8), seed=-2)
