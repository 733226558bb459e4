"""The kernel on images x coordinates as a short sum of separate factors."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import KernelState
from hyperlimit.limits import DualLimit
from hyperlimit.regression._meta_kernels import MetaScale, meta_state

_NODES = 48
_SAMPLES = 3000


class Expansion(NamedTuple):
    r"""$F(\varphi,b) \approx \sum_j c_j(\varphi) F(\varphi_j, b)$ on $[0, \varphi_m]$.

    F is a part of the kernel, for outputs of the meta-network at angle $\varphi$ and
    coordinates b. The nodes $\varphi_j$ are a few of the Chebyshev points, chosen by
    pivoted QR, and the $c_j$ are polynomials in $\varphi$: F is analytic in the
    *angle*, at equal images too, where in the correlation it has a square-root
    singularity.

    Attributes:
        nodes: the angles of the separate factors, (r,).
        values: c_j at the Chebyshev points, (k, r).
        error: the largest error found over fresh angles and coordinates, in units of
            the largest value of F.
    """

    nodes: np.ndarray
    values: np.ndarray
    points: np.ndarray
    error: float


class Part(NamedTuple):
    r"""A part of the kernel that is a function of the meta-network's angle alone.

    The GP kernel is one part. The NTK is linear in the meta-network's:
    $U(\varphi, b) + \tau V(\varphi, b)$, U from the parameters of the primary network's
    own, which is zero if all are generated.

    Attributes:
        limit, scale: whose kernel.
        name: "nngp", "own" for U or "generated" for V.
    """

    limit: DualLimit
    scale: MetaScale
    name: str


def kernel_at(part: Part, angle: Array, coordinates: KernelState) -> Array:
    """F for angles of the meta-network's outputs, broadcast against coordinates."""
    return _kernel_at(*part, angle, coordinates)


@functools.partial(jax.jit, static_argnums=(0, 2))
def _kernel_at(
    limit: DualLimit,
    scale: MetaScale,
    name: str,
    angle: Array,
    coordinates: KernelState,
) -> Array:
    def at(tangent: float) -> KernelState:
        meta = meta_state(scale, angle, jnp.full_like(angle, tangent))
        return limit.primary_state(coordinates, meta)

    if name == "nngp":
        return at(0.0).nngp
    own = at(0.0).ntk
    return own if name == "own" else at(1.0).ntk - own


def expand(
    part: Part,
    coordinates: KernelState,
    largest: float,
    tolerance: float,
) -> Expansion:
    """Finds the fewest nodes that meet a tolerance, and measures the error reached."""
    points = _chebyshev_points(largest, _NODES)
    fresh = np.random.default_rng(0)
    columns = [_some(coordinates, seed) for seed in (1, 2)]
    table = _table(part, points, columns[0])
    triangle, pivots = scipy.linalg.qr(table.T, mode="r", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    first = max(1, int(np.sum(sizes > tolerance * sizes[0])))
    angles = np.concatenate([[0.0, largest], fresh.uniform(0, largest, 126)])
    exact = _table(part, angles, columns[1])
    found = None
    # The factor's diagonal estimates the error: a node or two more may be needed.
    for rank in range(first, min(first + 4, len(points)) + 1):
        chosen = np.sort(pivots[:rank])
        values = np.linalg.lstsq(table[chosen].T, table.T, rcond=None)[0].T
        tried = Expansion(points[chosen], values, points, 0.0)
        nodes = _table(part, tried.nodes, columns[1])
        wrong = np.abs(coefficients(tried, angles) @ nodes - exact).max()
        tried = tried._replace(error=float(wrong / max(np.abs(exact).max(), 1e-300)))
        if found is None or tried.error < found.error / 2:
            found = tried
        if found.error <= tolerance:
            break
    assert found is not None
    return found


def coefficients(expansion: Expansion, angles: np.ndarray) -> np.ndarray:
    """c_j at any angles within the range, shape (..., r), by barycentric sums."""
    flat = np.asarray(angles, np.float64).ravel()
    signs = np.where(np.arange(_NODES) % 2, -1.0, 1.0)
    signs[[0, -1]] /= 2
    result = np.empty((flat.size, expansion.nodes.size))
    for start in range(0, flat.size, 65536):
        part = flat[start : start + 65536, None] - expansion.points[None, :]
        hit = part == 0
        weights = signs / np.where(hit, 1, part)
        rows = hit.any(axis=1)
        weights[rows] = hit[rows]
        result[start : start + 65536] = (
            weights @ expansion.values / weights.sum(axis=1, keepdims=True)
        )
    return result.reshape(*np.shape(angles), -1)


def slabs(
    part: Part, expansion: Expansion, coordinates: KernelState
) -> Float[Array, "r p q"]:
    """The separate factors F(phi_j, .) for all pairs of coordinates."""
    nodes = jnp.asarray(expansion.nodes, coordinates.pair.gap.dtype)
    return _slabs(*part, nodes, coordinates)


@functools.partial(jax.jit, static_argnums=(0, 2))
def _slabs(
    limit: DualLimit,
    scale: MetaScale,
    name: str,
    nodes: Float[Array, " r"],
    coordinates: KernelState,
) -> Float[Array, "r p q"]:
    part = Part(limit, scale, name)
    return jax.lax.map(
        lambda angle: kernel_at(part, angle[None, None], coordinates), nodes
    )


def _chebyshev_points(largest: float, count: int) -> np.ndarray:
    return largest / 2 * (1 - np.cos(np.pi * np.arange(count) / (count - 1)))


def _some(coordinates: KernelState, seed: int) -> KernelState:
    """A sample of coordinate pairs, equal ones among them."""
    std_x, std_y, gap = (
        np.asarray(part)
        for part in (
            coordinates.pair.std_x,
            coordinates.pair.std_y,
            coordinates.pair.gap,
        )
    )
    draw = np.random.default_rng(seed)
    p = draw.integers(0, gap.shape[0], _SAMPLES)
    q = draw.integers(0, gap.shape[1], _SAMPLES)
    nearest = np.argmin(gap, axis=1)
    p = np.concatenate([p, np.arange(gap.shape[0])[:512]])
    q = np.concatenate([q, nearest[:512]])
    chosen = std_x[p, 0], std_y[0, q], gap[p, q]
    pair = GaussianPair(*(jnp.asarray(part[None]) for part in chosen))
    return _inputs_state(pair)


_inputs_state = jax.jit(KernelState.of_inputs)


def _table(part: Part, angles: np.ndarray, coordinates: KernelState) -> np.ndarray:
    column = jnp.asarray(angles, coordinates.pair.gap.dtype)[:, None]
    return np.asarray(kernel_at(part, column, coordinates), np.float64)
