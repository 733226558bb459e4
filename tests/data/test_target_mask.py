import numpy as np
import pytest

from hyperlimit.data import observation_mask, target_mask


def test_all():
    mask = target_mask("all", 3, (4, 5), seed=0)
    assert mask.shape == (3, 4, 5)
    assert mask.dtype == np.bool_
    assert mask.all()


@pytest.mark.parametrize(
    ("rule", "count"),
    [("random:1", 1), ("random:20", 20), ("random:0.5", 10), ("random:1.0", 20)],
)
def test_random_knows_exactly_so_many_of_each(rule, count):
    mask = target_mask(rule, 30, (4, 5), seed=0)
    assert mask.shape == (30, 4, 5)
    assert (mask.sum(axis=(1, 2)) == count).all()


def test_random_differs_between_images():
    mask = target_mask("random:10", 20, (8, 8), seed=0)
    assert len({image.tobytes() for image in mask}) == 20


def test_random_repeats_with_its_seed_only():
    first = target_mask("random:10", 5, (8, 8), seed=0)
    np.testing.assert_array_equal(first, target_mask("random:10", 5, (8, 8), 0))
    assert (first != target_mask("random:10", 5, (8, 8), 1)).any()


def test_random_draws_as_documented():
    random = np.random.default_rng([3, 2])
    mask = target_mask("random:10", 2, (8, 8), seed=3).reshape(2, 64)
    for row in mask:
        assert set(np.flatnonzero(row)) == set(random.permutation(64)[:10])


def test_random_is_not_that_of_the_observations():
    target = target_mask("random:10", 1, (8, 8), seed=0)[0]
    assert (target != observation_mask("random:10", (8, 8), seed=0)).any()


@pytest.mark.parametrize("rule", ["random:0", "random:65", "random:-1", "random:few"])
def test_refuses_other_counts(rule, refuses):
    with refuses(repr(rule), "from 1 to 64 of the 64"):
        target_mask(rule, 3, (8, 8), seed=0)


@pytest.mark.parametrize("rule", ["none", "", "random"])
def test_refuses_unknown_rules(rule, refuses):
    with refuses(f"unknown target rule {rule!r}", "all or random:P"):
        target_mask(rule, 3, (8, 8), seed=0)


@pytest.mark.parametrize(("n", "shape"), [(0, (8, 8)), (3, (0, 8))])
def test_refuses_no_pixels(n, shape, refuses):
    with refuses(f"{n} images of {shape[0]}x{shape[1]}"):
        target_mask("all", n, shape, seed=0)


def test_refuses_a_negative_seed(refuses):
    with refuses("seed -2"):
        target_mask("random:3", 1, (8, 8), seed=-2)
