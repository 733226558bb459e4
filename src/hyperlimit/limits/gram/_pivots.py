"""A part of the kernel from its values at a few pairs of coordinates."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._coordinate_pairs import some_pairs, state_of
from hyperlimit.limits.gram._expansion import slab, table
from hyperlimit.limits.gram._near import at_all_distances, nearest_apart
from hyperlimit.limits.gram._parts import Part

# Pairs of images and of coordinates to fit on, and as many to check on.
_ARGUMENTS, _PAIRS = 500, 800
# Nodes for each pivot, and how many terms more are tried at a time, at least.
_OVERSAMPLED, _STEP = 1.5, 4

_Chosen = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]


class Pivots(NamedTuple):
    r"""$F^\pm(\theta; \zeta) \approx \sum_l F^\pm(\theta; \zeta_l) B_l(\zeta)$.

    $\theta = (s, s', \varphi)$ is a pair of images, $\zeta = (z, z')$ a pair of
    coordinates, and $F^\pm = \frac12 (F(s, s', \cdot) \pm F(s', s, \cdot))$, which is
    symmetric, or antisymmetric, in the images and in the coordinates alike: so is
    every term, and the sum is as symmetric as the kernel without terms of mirror
    images. The $\zeta_l$ are pivots of a QR factor of a table of F, and
    the B_l solve a least-squares problem at nodes $\theta_k$, pivots of its rows.

    Nothing asks for F to be analytic: where images have deviations of their own it
    has a cone at equal images and coordinates, and no polynomial in s, s' and the
    angle is near it.

    Attributes:
        sign: 1 or -1.
        pairs: deviations of z, of z', and gap, at the pivots, (r, 3).
        nodes: (k, 3).
        orthonormal, triangle: the QR factor of $F^\pm(\theta_k; \zeta_l)$, (k, r) and
            (r, r).
        error: the largest found over fresh arguments and coordinates.
    """

    sign: int
    pairs: Float[np.ndarray, "r 3"]
    nodes: Float[np.ndarray, "k 3"]
    orthonormal: Float[np.ndarray, "k r"]
    triangle: Float[np.ndarray, "r r"]
    error: float


def pivots(
    part: Part,
    arguments: Float[np.ndarray, "k 3"],
    coordinates: KernelState,
    tolerance: float,
) -> tuple[Pivots, ...]:
    """The fewest terms that meet an absolute tolerance, and the error reached.

    Nothing is promised here: the caller reads the error.

    Args:
        part: F.
        arguments: pairs of images, half of them to check on: from `sampled_arguments`
            of images whose angles are known, or `any_arguments`.
        coordinates: all pairs.
        tolerance: on the sum of both signs.

    Cost: three million values of F, and QR factors of 500 rows.

    References:
        Goreinov, Tyrtyshnikov and Zamarashkin, *A Theory of Pseudoskeleton
        Approximations*, 1997.
    """
    pairs = np.concatenate([some_pairs(coordinates, seed, _PAIRS) for seed in (1, 2)])
    swapped = arguments[:, [1, 0, 2]]
    # One call, so that F is compiled once.
    values = table(part, np.concatenate([arguments, swapped]), state_of(pairs))
    one, two = np.split(values, 2)
    found = []
    for sign in (1, -1):
        chosen = _pivoted((one + sign * two) / 2, tolerance / 2)
        if chosen is not None:
            columns, rows, *factor, error = chosen
            nodes = arguments[rows]
            found.append(Pivots(sign, pairs[columns], nodes, *factor, error))
    return tuple(found)


def combined_slabs(
    part: Part, found: Pivots, coordinates: KernelState
) -> Float[np.ndarray, "r p q"]:
    """The right factors $B_l$ for all pairs of coordinates."""
    total = np.zeros((len(found.pairs), *coordinates.pair.gap.shape))
    for row, (one, two, angle) in zip(found.orthonormal, found.nodes, strict=True):
        straight = slab(part, one, two, angle, coordinates)
        mirrored = slab(part, two, one, angle, coordinates)
        total += row[:, None, None] * ((straight + found.sign * mirrored) / 2)
    flat = total.reshape(len(total), -1)
    return scipy.linalg.solve_triangular(found.triangle, flat).reshape(total.shape)


def _pivoted(values: Float[np.ndarray, "k s"], tolerance: float) -> _Chosen | None:
    """Columns, rows, QR factor and error; None if nothing is larger than allowed."""
    if np.abs(values).max() <= tolerance:
        return None
    known, here = values[:_ARGUMENTS, :_PAIRS], values[:_ARGUMENTS, _PAIRS:]
    told, goals = values[_ARGUMENTS:, :_PAIRS], values[_ARGUMENTS:, _PAIRS:]
    triangle, columns = scipy.linalg.qr(known, mode="r", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    rank = max(1, int(np.sum(sizes > 4 * tolerance * len(known) ** 0.5)))
    most = max(rank, int(np.sum(sizes > 1e-14 * sizes[0])))

    def made(rank: int) -> _Chosen:
        some = columns[:rank]
        order = scipy.linalg.qr(known[:, some].T, mode="r", pivoting=True)[1]
        rows = order[: int(np.ceil(_OVERSAMPLED * rank))]
        q, r = scipy.linalg.qr(known[np.ix_(rows, some)], mode="economic")
        right = scipy.linalg.solve_triangular(r, q.T @ here[rows])
        return some, rows, q, r, float(np.abs(told[:, some] @ right - goals).max())

    missed = rank - 1
    best = found = made(rank)
    while found[-1] > tolerance and rank < most:
        missed, rank = rank, min(rank + max(_STEP, rank // 8), most)
        found = made(rank)
        best = min(best, found, key=lambda one: one[-1])
    # The step may have gone too far: fewer terms are less work, and what meets a
    # tighter tolerance is then no worse.
    if found[-1] > tolerance:
        return best
    for fewer in range(missed + 1, rank):
        less = made(fewer)
        if less[-1] <= tolerance:
            return less
    return found


def sampled_arguments(
    left: Float[np.ndarray, " m"],
    right: Float[np.ndarray, " n"],
    angle: Float[np.ndarray, "m n"],
    same: bool,
) -> Float[np.ndarray, "k 3"]:
    """Pairs of given images, half to fit on: any, nearest ones, at every distance.

    Args:
        left, right: their deviations.
        angle: between them.
        same: whether they are the same images, whose pairs with themselves are left
            out.
    """
    draw, count = np.random.default_rng(0), 2 * _ARGUMENTS
    m, n = angle.shape
    rows, columns = draw.integers(0, m, count), draw.integers(0, n, count)
    if same:
        columns = (rows + draw.integers(1, max(n, 2), count)) % n
    nearest = nearest_apart(angle)
    apart = at_all_distances(angle[np.arange(m), nearest], count // 3, draw)
    kind = np.arange(count) % 3
    if len(apart):
        rows = np.where(kind == 2, np.resize(apart, count), rows)
    columns = np.where(kind == 0, columns, nearest[rows])
    found = np.stack([left[rows], right[columns], angle[rows, columns]], axis=1)
    return draw.permutation(found)


def any_arguments(
    std: Float[np.ndarray, " n"], angle: float
) -> Float[np.ndarray, "k 3"]:
    """Pairs of images as they may come: any, near ones, equal but in angle, equal.

    Args:
        std: deviations of all images.
        angle: the largest between two of them.
    """
    draw, count = np.random.default_rng(0), 2 * _ARGUMENTS
    one, two = draw.choice(std, (2, count))
    angles = draw.uniform(0, angle, count)
    small = angle * 10 ** draw.uniform(-6, 0, count)
    kind = np.arange(count) % 8
    angles = np.where(kind < 5, angles, small)
    angles = np.where(np.arange(count) % 64 == 7, 0.0, angles)
    two = np.where(kind >= 6, one, two)
    return np.stack([one, two, angles], axis=1)
