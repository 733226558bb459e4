"""The kernels of the meta-network between images, on double precision."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.layers import AbstractInputs, KernelState
from hyperlimit.limits._walk import walk
from hyperlimit.linalg import TILE, tiled
from hyperlimit.networks import Network


class MetaDiagonal(NamedTuple):
    r"""f's kernels for images with themselves: $K_f = s^2$, $\Theta_f = s^2 \tau$."""

    std: Float[np.ndarray, " n"]
    tangent: Float[np.ndarray, " n"]


class MetaKernels(NamedTuple):
    r"""$K_f = s s' \cos\varphi$ and $\Theta_f = s s' \tau$ for all pairs of images."""

    angle: Float[np.ndarray, "m n"]
    tangent: Float[np.ndarray, "m n"]


def meta_diagonal(meta: Network, x: Float[np.ndarray, "n ..."]) -> MetaDiagonal:
    """The kernels of images with themselves."""
    with jax.enable_x64(True):
        given = jnp.asarray(x, jnp.float64)
        state = _diagonal(meta, _prepared(meta.limit_inputs, given))
        return MetaDiagonal(np.asarray(state.pair.std_x), np.asarray(state.tangent))


def meta_kernels(
    meta: Network,
    a: Float[np.ndarray, "m ..."],
    b: Float[np.ndarray, "n ..."],
    pair_size: int,
) -> MetaKernels:
    """The kernels for all pairs of images.

    `pair_size` is how many numbers a pair takes on its way through f.
    """
    with jax.enable_x64(True):
        left, right = (
            _prepared(meta.limit_inputs, jnp.asarray(side, jnp.float64))
            for side in (a, b)
        )
        size = max(1, int(TILE / pair_size**0.5))
        found = tiled(functools.partial(_tile, meta), left, right, size)
        return MetaKernels(*(np.asarray(part) for part in found))


def angles(gap: Float[Array, "..."]) -> Float[Array, "..."]:
    """From the gap by an arc sine: small angles keep their digits."""
    half = jnp.sqrt(gap / 2)
    return 2 * jnp.arcsin(jnp.where(half < 1, half, 1))


@functools.partial(jax.jit, static_argnums=0)
def _prepared(inputs: AbstractInputs, x: Array) -> PyTree:
    return inputs.prepare(x)


@functools.partial(jax.jit, static_argnums=0)
def _tile(meta: Network, a: PyTree, b: PyTree) -> tuple[Array, Array]:
    state = walk(meta, meta.limit_inputs.gram_state(a, b))
    return angles(state.pair.gap), state.tangent


@functools.partial(jax.jit, static_argnums=0)
def _diagonal(meta: Network, a: PyTree) -> KernelState:
    return walk(meta, meta.limit_inputs.diagonal_state(a))
