"""The kernels of the meta-network between images, as the grid regression reads them."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.activations import GaussianPair
from hyperlimit.errors import InputError
from hyperlimit.layers import KernelState
from hyperlimit.limits import DualLimit
from hyperlimit.linalg import TILE, tiled

# By how much, relatively, the kernels of an image with itself may vary over images.
_EVEN = 1e-3


class MetaScale(NamedTuple):
    r"""What f's kernels are for every image with itself: $s^2$ and $s^2 \tau$."""

    std: float | Array
    tangent: float | Array


class MetaKernels(NamedTuple):
    r"""$K_f = s^2 \cos\varphi$ and $\Theta_f = s^2 \tau$ for all pairs of images."""

    angle: Float[np.ndarray, "n m"]
    tangent: Float[np.ndarray, "n m"]


def meta_scale(limit: DualLimit, x: Float[Array, "n ..."]) -> MetaScale:
    """The kernels of images with themselves, which must be equal.

    Raises:
        InputError: if they vary over images.
    """
    inputs = limit.spec.meta.limit_inputs
    state = _diagonal(limit, inputs.prepare(x))
    for name, values in (("K_f", state.nngp), ("Theta_f", state.ntk)):
        found = np.asarray(values, np.float64)
        if not np.isfinite(found).all() or np.ptp(found) > _EVEN * found.max():
            raise InputError(
                f"the meta-network's {name}(x, x) goes from {found.min():.4g} to "
                f"{found.max():.4g} over images, and a grid regression wants it equal: "
                "put LayerNorm(centre=False) before its last Dense, and no biases."
            )
    std = float(jnp.sqrt(jnp.mean(state.pair.std_x**2)))
    return MetaScale(std, float(jnp.mean(state.tangent)))


def meta_kernels(
    limit: DualLimit, a: Float[Array, "n ..."], b: Float[Array, "m ..."]
) -> MetaKernels:
    """The kernels of f for all pairs of images."""
    inputs = limit.spec.meta.limit_inputs
    left, right = inputs.prepare(a), inputs.prepare(b)
    size = max(1, int(TILE / limit.meta_pair_size(left) ** 0.5))
    gap, tangent = tiled(functools.partial(_tile, limit), left, right, size)
    # From the gap by an arc sine: small angles keep their digits.
    half = np.sqrt(np.asarray(gap, np.float64) / 2)
    angle = 2 * np.arcsin(np.minimum(half, 1.0))
    return MetaKernels(angle, np.asarray(tangent, np.float64))


def meta_state(
    scale: MetaScale, angle: Float[Array, "..."], tangent: Float[Array, "..."]
) -> KernelState:
    """The kernels of f at given angles, for images of the common scale."""
    rows = angle[:, :1] if angle.ndim == 2 else angle
    columns = angle[:1, :] if angle.ndim == 2 else angle
    pair = GaussianPair(
        jnp.full_like(rows, scale.std),
        jnp.full_like(columns, scale.std),
        2 * jnp.sin(angle / 2) ** 2,
    )
    return KernelState(pair, tangent)


@functools.partial(jax.jit, static_argnums=0)
def _tile(limit: DualLimit, a: PyTree, b: PyTree) -> tuple[Array, Array]:
    state = limit.meta_state(limit.spec.meta.limit_inputs.gram_state(a, b))
    return state.pair.gap, state.tangent


@functools.partial(jax.jit, static_argnums=0)
def _diagonal(limit: DualLimit, a: PyTree) -> KernelState:
    return limit.meta_state(limit.spec.meta.limit_inputs.diagonal_state(a))
