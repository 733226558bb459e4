"""The Gram matrix on images x coordinates, from its separate factors."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import KernelState
from hyperlimit.limits import DualLimit
from hyperlimit.linalg import KroneckerSum, gaps, rows
from hyperlimit.regression._expansion import (
    Expansion,
    coefficients,
    expand,
    kernel_at,
    slabs,
)


def angles(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> np.ndarray:
    """Angles between all pairs of rows, (n, m), float64."""
    # From the gap by an arc sine: small angles keep their digits.
    half = np.sqrt(np.asarray(_gaps(a, b), np.float64) / 2)
    return 2 * np.arcsin(np.minimum(half, 1.0))


@jax.jit
def _gaps(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Float[Array, "n m"]:
    return gaps(rows(a), rows(b))


@functools.partial(jax.jit, static_argnums=0)
def coordinate_state(
    limit: DualLimit, a: Float[Array, "p d"], b: Float[Array, "q d"]
) -> KernelState:
    """The kernels of the primary's inputs between two sets of coordinates."""
    inputs = limit.spec.primary.inputs
    state = inputs.gram_state(inputs.prepare(a), inputs.prepare(b))
    assert isinstance(state, KernelState)
    return state


def training_gram(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n d"],
    z: Float[Array, "p d2"],
    tolerance: float,
) -> tuple[KroneckerSum, Expansion]:
    """The Gram operator of all images at all coordinates."""
    state = coordinate_state(limit, z, z)
    between = angles(x, x)
    expansion = expand(limit, kind, state, float(between.max()), tolerance)
    left = np.moveaxis(coefficients(expansion, between), -1, 0)
    left = left * (1 - np.eye(len(between)))
    operator = KroneckerSum(
        jnp.asarray(left, x.dtype),
        slabs(limit, kind, expansion, state),
        _equal_images(limit, kind, state),
    )
    return operator, expansion


class Cross(NamedTuple):
    """The kernel between new and old: sum_j left[j, m, n] right[j, q, p]."""

    left: Float[Array, "r m n"]
    right: Float[Array, "r q p"]
    angles: Float[np.ndarray, "m n"]


def cross_factors(
    limit: DualLimit,
    kind: str,
    new: tuple[Array, Array],
    old: tuple[Array, Array],
    tolerance: float,
) -> Cross:
    """Factors of the kernel between new images and coordinates and the old ones."""
    state = coordinate_state(limit, new[1], old[1])
    between = angles(new[0], old[0])
    expansion = expand(limit, kind, state, float(between.max()), tolerance)
    left = np.moveaxis(coefficients(expansion, between), -1, 0)
    right = slabs(limit, kind, expansion, state)
    return Cross(jnp.asarray(left, new[0].dtype), right, between)


@functools.partial(jax.jit, static_argnums=(0, 1))
def prior_variance(
    limit: DualLimit, kind: str, z: Float[Array, "q d"]
) -> Float[Array, " q"]:
    """The kernel of every coordinate with itself, for one image: (q,)."""
    inputs = limit.spec.primary.inputs
    state = inputs.diagonal_state(inputs.prepare(z))
    return kernel_at(limit, kind, jnp.zeros(1, z.dtype), state)


def prior_covariance(
    limit: DualLimit, kind: str, z: Float[Array, "q d"]
) -> Float[Array, "q q"]:
    """The kernel of one function between its coordinates, (q, q)."""
    return _equal_images(limit, kind, coordinate_state(limit, z, z))


def entries(
    limit: DualLimit,
    kind: str,
    meta: KernelState,
    coordinates: KernelState,
    a: tuple[Array, Array],
    b: tuple[Array, Array],
) -> Float[Array, "n m"]:
    """Kernel entries between (image, coordinate) index pairs of a and of b."""
    (image, pixel), (image_b, pixel_b) = a, b

    def between(state: KernelState, i: Array, j: Array) -> KernelState:
        pair = state.pair
        return KernelState(
            GaussianPair(
                pair.std_x[i], pair.std_y[:, j], pair.gap[i[:, None], j[None, :]]
            ),
            state.tangent[i[:, None], j[None, :]],
        )

    state = limit.primary_state(
        between(coordinates, pixel, pixel_b), between(meta, image, image_b)
    )
    return getattr(state, kind)


def meta_states(limit: DualLimit, between: np.ndarray, dtype: jnp.dtype) -> KernelState:
    """The kernels of the meta-network's outputs at angles of unit inputs."""
    return _meta_states(limit, jnp.asarray(between, dtype))


@functools.partial(jax.jit, static_argnums=0)
def _meta_states(limit: DualLimit, angle: Float[Array, "n m"]) -> KernelState:
    pair = GaussianPair(
        jnp.ones_like(angle[:, :1]),
        jnp.ones_like(angle[:1, :]),
        2 * jnp.sin(angle / 2) ** 2,
    )
    return limit.meta_state(KernelState.of_inputs(pair))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _equal_images(limit: DualLimit, kind: str, state: KernelState) -> Array:
    angle = jnp.zeros((1, 1), state.pair.gap.dtype)
    return kernel_at(limit, kind, angle, state)
