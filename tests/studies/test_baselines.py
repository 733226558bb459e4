"""Nearest neighbours beside sums written out, and how many of them there are."""

import numpy as np
import pytest

from hyperlimit.data import Images
from hyperlimit.studies.completion import CompletionConfig, _baselines
from hyperlimit.studies.completion._problem import CompletionProblem


def problem(pixels, new, known=None):
    """Two rows of pixels, of which the upper is seen."""
    observed = np.zeros(pixels.shape[1:3], bool)
    observed[0] = True
    known = np.ones(pixels.shape[:3], bool) if known is None else known
    train, test = (Images(p, "", tuple(map(str, range(len(p))))) for p in (pixels, new))
    one = np.ones((observed.size, 1), np.float32)
    return CompletionProblem(
        CompletionConfig(), train, test, observed, known, 0 * one, one
    )


def images(rng, n, noise):
    """Those of 30 kinds with equal upper rows, whose lower rows differ by noise."""
    kinds = rng.uniform(0.2, 0.8, (30, 2, 3, 1))
    pixels = kinds[np.arange(n) % 30]
    pixels[:, 1] += noise * rng.uniform(-1, 1, pixels[:, 1].shape)
    return pixels


@pytest.mark.parametrize(("noise", "expected"), [(0.0, 1), (0.2, 5)])
def test_as_many_neighbours_as_are_of_one_kind(noise, expected):
    # Six of each kind: five others, all alike without noise and worth averaging with.
    pixels = images(np.random.default_rng(0), 180, noise)
    assert _baselines.neighbour_count(problem(pixels, pixels[:1])) == expected


def test_one_image_has_one_neighbour():
    pixels = images(np.random.default_rng(1), 1, 0.0)
    assert _baselines.neighbour_count(problem(pixels, pixels)) == 1


def test_means_are_of_what_is_known():
    rng = np.random.default_rng(2)
    pixels = images(rng, 40, 0.2)
    known = rng.uniform(size=pixels.shape[:3]) < 0.3
    known[:, 1, 2] = False
    new = images(rng, 3, 0.1)
    found = _baselines.nearest_neighbours(problem(pixels, new, known), 4)
    truth, mask = pixels.reshape(40, 6), known.reshape(40, 6)
    for row, image in zip(found, new, strict=True):
        distance = ((pixels[:, 0] - image[0]) ** 2).sum(axis=(1, 2))
        some = np.argsort(distance, kind="stable")[:4]
        for place in range(6):
            of = some[mask[some, place]]
            everyone = np.flatnonzero(mask[:, place])
            if len(of):
                expected = truth[of, place].mean()
            elif len(everyone):
                expected = truth[everyone, place].mean()
            else:
                expected = truth[mask].mean()
            np.testing.assert_allclose(row[place, 0], expected, rtol=1e-5)
