"""A part of the kernel as a short sum of separate factors."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.fft
import scipy.linalg
from jaxtyping import Float

from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._coordinate_pairs import some_pairs, state_of
from hyperlimit.limits.gram._parts import Part, part_values

# Pairs of coordinates to fit on, and as many to check on.
_SAMPLES = 2500
# Chebyshev points in a deviation, where it varies over images, and in the angle.
_GRIDS = ((1, 48), (1, 128))
_VARYING = ((3, 64), (4, 48), (6, 48), (8, 48), (10, 48))


class Box(NamedTuple):
    """Where the arguments of a part lie: deviations on a log scale, and the angle."""

    low: float
    high: float
    angle: float

    def unit_scale(self, std: np.ndarray) -> np.ndarray:
        """Deviations on [-1, 1]."""
        if self.high == self.low:
            return np.zeros_like(std)
        centred = np.log(std) - (self.high + self.low) / 2
        return np.clip(centred / ((self.high - self.low) / 2), -1, 1)

    def scales(self, count: int) -> np.ndarray:
        """Deviations at Chebyshev points."""
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        return np.exp(middle + half * chebyshev_points(count))


class Expansion(NamedTuple):
    r"""$F(s, s', \varphi; z, z') \approx \sum_k c_k(s, s', \varphi) F_k(z, z')$.

    $F_k$ is F at a node $(s_k, s_k', \varphi_k)$, one of a grid of Chebyshev points,
    chosen by pivoted QR; the $c_k$ are polynomials. F is analytic in the *angle*, at
    equal images too, where in the correlation it has a square-root singularity.

    Attributes:
        nodes: (r, 3).
        coefficients: of c_k in Chebyshev polynomials of the two deviations and the
            angle, (r, a, a, d).
        error: the largest found over fresh arguments and coordinates.
    """

    nodes: Float[np.ndarray, "r 3"]
    coefficients: Float[np.ndarray, "r a a d"]
    error: float


def chebyshev_points(count: int) -> Float[np.ndarray, " k"]:
    """On [-1, 1], the ends among them; 0 alone if one is asked for."""
    if count == 1:
        return np.zeros(1)
    return -np.cos(np.pi * np.arange(count) / (count - 1))


def expand(
    part: Part,
    box: Box,
    coordinates: KernelState,
    tolerance: float,
    moved: tuple[Part, ...] = (),
) -> Expansion:
    """The fewest nodes that meet an absolute tolerance, and the error reached.

    Nothing is promised here: the caller reads the error. One set of nodes and
    polynomials serves `moved` as well, the part at other numbers: the expansion's
    derivative in the numbers is then as good as their differences.
    """
    pairs = [some_pairs(coordinates, seed, _SAMPLES) for seed in (1, 2)]
    both = state_of(np.concatenate(pairs))
    draw = np.random.default_rng(0)
    arguments = _fresh_arguments(box, draw)
    parts = (part, *moved)
    exact: np.ndarray | None = None
    best: Expansion | None = None
    for count, angles in _VARYING if box.high > box.low else _GRIDS:
        grid = _grid(box, count, angles)
        if exact is None:
            # With the first grid's values, so that F is compiled once.
            fitted, there = _tables(parts, np.concatenate([arguments, grid]), both)
            exact, there = np.split(there, [len(arguments)])
            fitted = fitted[len(arguments) :]
        else:
            fitted, there = _tables(parts, grid, both)
        # Pivots need lengths and angles alone, which a first factor keeps at less cost.
        small = np.linalg.qr(fitted.T, mode="r")
        triangle, pivots = scipy.linalg.qr(small, mode="r", pivoting=True)
        sizes = np.abs(np.diag(triangle))
        # An entry of the remainder, on average over the samples.
        first = max(1, int(np.sum(sizes > tolerance * fitted.shape[1] ** 0.5)))
        for rank in range(first, min(first + 8, len(sizes)) + 1):
            chosen = np.sort(pivots[:rank])
            values = np.linalg.lstsq(fitted[chosen].T, fitted.T, rcond=None)[0]
            shape = (rank, count, count, angles)
            found = _trimmed(_coefficients(values.reshape(shape)), tolerance)
            weights = evaluate(
                found,
                box.unit_scale(arguments[:, 0]),
                box.unit_scale(arguments[:, 1]),
                2 * arguments[:, 2] / box.angle - 1,
            )
            error = float(np.abs(weights.T @ there[chosen] - exact).max())
            made = Expansion(grid[chosen], found, error)
            if error <= tolerance:
                return made
            if best is None or error < best.error / 2:
                best = made
    assert best is not None
    return best


def evaluate(
    coefficients: np.ndarray, one: np.ndarray, two: np.ndarray, angle: np.ndarray
) -> Float[np.ndarray, "r k"]:
    """c_k at arguments on [-1, 1]."""
    _, a, b, d = coefficients.shape
    bases = (
        np.polynomial.chebyshev.chebvander(values, size - 1)
        for values, size in ((one, a), (two, b), (angle, d))
    )
    return np.einsum("rabd,ka,kb,kd->rk", coefficients, *bases, optimize=True)


def slabs(
    part: Part, expansion: Expansion, coordinates: KernelState
) -> Float[np.ndarray, "r p q"]:
    """The separate factors F_k for all pairs of coordinates."""
    return np.stack(
        [slab(part, *node, coordinates=coordinates) for node in expansion.nodes]
    )


def slab(
    part: Part, one: float, two: float, angle: float, coordinates: KernelState
) -> Float[np.ndarray, "p q"]:
    """F at one node for all pairs of coordinates."""
    with jax.enable_x64(True):
        arguments = (jnp.full((1, 1), v, jnp.float64) for v in (one, two, angle))
        return np.asarray(part_values(part, *arguments, coordinates))


def _coefficients(values: Float[np.ndarray, "r a b d"]) -> np.ndarray:
    """Chebyshev coefficients from values at Chebyshev points, axis by axis."""
    for axis in (1, 2, 3):
        count = values.shape[axis]
        if count == 1:
            continue
        flipped = np.flip(values, axis)
        values = scipy.fft.dct(flipped, type=1, axis=axis) / (count - 1)
        halves = np.ones(count)
        halves[[0, -1]] = 0.5
        values = values * np.expand_dims(halves, [a for a in range(4) if a != axis])
    return values


def _trimmed(
    coefficients: Float[np.ndarray, "r a b d"], tolerance: float
) -> np.ndarray:
    """Without the highest powers of the angle, where they are roundings."""
    sizes = np.abs(coefficients).max(axis=(0, 1, 2))
    small = np.cumsum(sizes[::-1])[::-1] < 1e-3 * tolerance + 1e-15
    kept = max(1, int(np.argmax(small)) if small.any() else len(sizes))
    return coefficients[..., :kept]


def _grid(box: Box, count: int, angles: int) -> Float[np.ndarray, "k 3"]:
    """All points of the box: two deviations and an angle."""
    scales = box.scales(count)
    angle = box.angle * (1 + chebyshev_points(angles)) / 2
    return np.stack(np.meshgrid(scales, scales, angle, indexing="ij"), -1).reshape(
        -1, 3
    )


def _fresh_arguments(box: Box, draw: np.random.Generator) -> np.ndarray:
    """Of any angle, of small ones, and none."""
    small = box.angle * 10 ** draw.uniform(-6, 0, 128)
    even = draw.uniform(0, box.angle, 190)
    angle = np.concatenate([[0.0, box.angle], small, even])
    scales = np.exp(draw.uniform(box.low, box.high, (2, len(angle))))
    return np.stack([*scales, angle], axis=1)


def _tables(
    parts: tuple[Part, ...],
    arguments: Float[np.ndarray, "k 3"],
    coordinates: KernelState,
) -> tuple[Float[np.ndarray, "k s"], Float[np.ndarray, "k s"]]:
    """At the pairs to fit on, and at fresh ones.

    Of the first part all samples; of the others together as many.
    """
    first, *others = (
        np.split(table(part, arguments, coordinates), 2, axis=1) for part in parts
    )
    step = len(others)
    found = []
    for half in (0, 1):
        some = [other[half][:, i::step] for i, other in enumerate(others)]
        found.append(np.concatenate([first[half], *some], axis=1))
    return found[0], found[1]


def table(
    part: Part, arguments: Float[np.ndarray, "k 3"], coordinates: KernelState
) -> Float[np.ndarray, "k s"]:
    """F at arguments and at a sample of pairs of coordinates."""
    with jax.enable_x64(True):
        columns = (jnp.asarray(column)[:, None] for column in arguments.T)
        return np.asarray(part_values(part, *columns, coordinates))
