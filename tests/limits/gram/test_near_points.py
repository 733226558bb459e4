"""Entries of near points, where F is least smooth, beside the kernel itself."""

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from hyperlimit.limits.gram._near import at_all_distances, nearest_apart
from hyperlimit.limits.gram._pivots import _pivoted

SIDE, N = 20, 6
LIMIT = hl.dual_limit(
    hl.Hypernetwork(
        hl.mlp(depth=2, width=8),
        hl.mlp(depth=2, width=8, out=1, inputs=hl.FourierFeatures(bandwidth=1.5)),
    )
)


def images():
    """Some apart, two that nearly are one, two that are."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((N, 6))
    x[1] = x[0] + 0.3 * draw.standard_normal(6)
    x[3] = x[2] + 1e-4 * draw.standard_normal(6)
    x[5] = x[4]
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def with_one_close(apart):
    """A grid of pixels, and one more point close to one of them."""
    grid = np.stack(np.mgrid[:SIDE, :SIDE], -1).reshape(-1, 2).astype(float)
    return np.concatenate([grid, grid[150:151] + np.array([[apart, 0.0]])])


def scattered(seed):
    return np.random.default_rng(seed).uniform(0, SIDE, (SIDE**2 + 1, 2))


def worst(gram, x, z):
    """The largest deviation from the kernel: of the 24 closest coordinates, to all."""
    apart = np.linalg.norm(z[:, None] - z[None], axis=2)
    closest = np.argsort(np.where(apart > 0, apart, np.inf).min(axis=1))[:24]
    rows = (np.arange(N)[:, None] * len(z) + closest[None]).reshape(-1)
    every = np.repeat(x, len(z), axis=0), np.tile(z, (N, 1))
    left = tuple(jnp.asarray(part[rows], float) for part in every)
    right = tuple(jnp.asarray(part, float) for part in every)
    expected = np.asarray(LIMIT.ntk(left, right))
    found = gram.block(jnp.asarray(rows), jnp.arange(N * len(z)))
    return np.abs(np.asarray(found) - expected).max()


@pytest.mark.float64_only(reason="asks for more digits")
@pytest.mark.parametrize(
    ("z", "relative"),
    [
        (with_one_close(0.1), 1e-6),
        (with_one_close(0.1), 1e-9),
        (with_one_close(0.01), 1e-9),
        (with_one_close(1e-3), 1e-6),
        (scattered(0), 1e-9),
    ],
    ids=["0.1", "0.1, tighter", "0.01, tighter", "0.001", "scattered, tighter"],
)
def test_the_stated_error_holds_at_close_coordinates(z, relative):
    """Within a factor of two, as the largest of many entries is among all; or refused.

    Pairs at random miss one close pair among 80,000.
    """
    x = images()
    largest = float(LIMIT.ntk_diagonal((jnp.asarray(x[:1]), jnp.asarray(z[:1])))[0])
    gram = LIMIT.gram(x, z, atol=relative * largest)
    assert gram.report.error <= gram.report.atol
    assert worst(gram, x, z) <= 2 * gram.report.error


def test_an_image_that_is_zero_is_near_nothing():
    """It has a kernel where f has biases, and no direction."""
    spec = hl.Hypernetwork(
        hl.mlp(depth=2, width=8, bias_std=0.5), hl.mlp(depth=2, width=8, out=1)
    )
    x = np.concatenate([np.zeros((1, 6)), images()])
    gram = hl.dual_limit(spec).gram(jnp.asarray(x, float), jnp.eye(3), atol=1e-3)
    assert np.isfinite(gram.report.error)


def test_a_tiled_matrix_states_its_rounding_and_refuses_less(epsilon, refuses):
    x, z = jnp.asarray(images(), float), jnp.asarray(scattered(1)[:5], float)
    report = LIMIT.gram(x, z, method="tiled").report
    assert epsilon * report.largest <= report.error <= report.atol
    with refuses("by rounding", "atol="):
        LIMIT.gram(x, z, method="tiled", atol=report.error / 2)
    assert LIMIT.gram(x, z, method="tiled", atol=2 * report.error)


def test_all_distances_are_among_the_samples():
    """Also where far pairs outnumber near ones a millionfold."""
    draw = np.random.default_rng(0)
    gap = draw.uniform(0.5, 1, 100_000)
    gap[[5, 17, 90]] = [1e-3, 1e-9, 0.0]
    found = at_all_distances(gap, 40, draw)
    assert {5, 17} <= set(found.tolist())
    assert 90 not in found
    assert len(found) == len(set(found.tolist())) <= 40
    np.testing.assert_array_equal(
        nearest_apart(np.array([[0.0, 0.3, 0.2], [0.0, 0.0, 0.5]])), [2, 2]
    )


def test_a_tighter_tolerance_gives_no_worse_terms():
    """The fewest terms are taken, though ranks are tried in steps."""
    x, y = np.linspace(0, 1, 1000), np.linspace(0, 1, 1600)
    draw = np.random.default_rng(0)
    table = 1 / (1.3 + draw.permutation(x)[:, None] + draw.permutation(y)[None])
    found = [_pivoted(table, 10.0**-power) for power in range(3, 12)]
    ranks, errors = zip(*((len(one[0]), one[-1]) for one in found), strict=True)
    assert list(ranks) == sorted(ranks)
    assert list(errors) == sorted(errors, reverse=True)
    assert all(error <= 10.0**-power for power, error in enumerate(errors, 3))
