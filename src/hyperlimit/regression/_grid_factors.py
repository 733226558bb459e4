"""The Gram matrix on images x coordinates, from its separate factors."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import AbstractLayer, KernelState
from hyperlimit.limits import DualLimit
from hyperlimit.linalg import KroneckerSum
from hyperlimit.networks import Hypernetwork
from hyperlimit.regression._expansion import Part, coefficients, expand, slabs
from hyperlimit.regression._meta_kernels import MetaScale, meta_kernels, meta_state


@functools.partial(jax.jit, static_argnums=0)
def coordinate_state(
    limit: DualLimit, a: Float[Array, "p d"], b: Float[Array, "q d"]
) -> KernelState:
    """The kernels of the primary's inputs between two sets of coordinates."""
    inputs = limit.spec.primary.inputs
    state = inputs.gram_state(inputs.prepare(a), inputs.prepare(b))
    assert isinstance(state, KernelState)
    return state


class Metas(NamedTuple):
    """A kernel, and what it is for every image with itself."""

    limit: DualLimit
    kind: str
    scale: MetaScale

    def parts(self) -> tuple[Part, ...]:
        """The parts of the kernel that have factors of their own."""
        if self.kind == "nngp":
            return (Part(self.limit, self.scale, "nngp"),)
        generated = Part(self.limit, self.scale, "generated")
        if all_generated(self.limit.spec.primary.layers):
            return (generated,)
        return (generated, Part(self.limit, self.scale, "own"))


def all_generated(layers: tuple[AbstractLayer, ...]) -> bool:
    """Whether a primary network has no parameters of its own."""
    return all(
        Hypernetwork.is_generated(answer)
        for layer in layers
        for answer in layer.generated().values()
    )


class Factors(NamedTuple):
    """The kernel of images and coordinates: sum_j left[j, m, n] right[j, q, p].

    Attributes:
        error: in units of the largest entry.
        angles: between the meta-network's outputs.
    """

    left: Float[np.ndarray, "r m n"]
    right: Float[Array, "r q p"]
    error: float
    angles: Float[np.ndarray, "m n"]


def factors(
    metas: Metas,
    a: Float[Array, "m ..."],
    b: Float[Array, "n ..."],
    state: KernelState,
    tolerance: float,
) -> Factors:
    """The kernel between images a and b at the coordinates of a state."""
    between = meta_kernels(metas.limit, a, b)
    left, right, error = [], [], 0.0
    for part in metas.parts():
        expansion = expand(part, state, float(between.angle.max()), tolerance)
        terms = np.moveaxis(coefficients(expansion, between.angle), -1, 0)
        left.append(terms * between.tangent if part.name == "generated" else terms)
        right.append(slabs(part, expansion, state))
        error += expansion.error
    return Factors(np.concatenate(left), jnp.concatenate(right), error, between.angle)


def training_gram(
    metas: Metas, x: Float[Array, "n ..."], z: Float[Array, "p d2"], tolerance: float
) -> tuple[KroneckerSum, float]:
    """The Gram operator of all images at all coordinates, and its error."""
    state = coordinate_state(metas.limit, z, z)
    found = factors(metas, x, x, state, tolerance)
    left = found.left * (1 - np.eye(len(x)))
    operator = KroneckerSum(
        jnp.asarray(left, x.dtype), found.right, _equal_images(metas, state)
    )
    return operator, found.error


class Cross(NamedTuple):
    """The kernel between new and old: sum_j left[j, m, n] right[j, q, p]."""

    left: Float[Array, "r m n"]
    right: Float[Array, "r q p"]
    angles: Float[np.ndarray, "m n"]


def cross_factors(
    metas: Metas,
    new: tuple[Array, Array],
    old: tuple[Array, Array],
    tolerance: float,
) -> Cross:
    """Factors of the kernel between new images and coordinates and the old ones."""
    state = coordinate_state(metas.limit, new[1], old[1])
    found = factors(metas, new[0], old[0], state, tolerance)
    return Cross(jnp.asarray(found.left, new[0].dtype), found.right, found.angles)


def prior_variance(metas: Metas, z: Float[Array, "q d"]) -> Float[Array, " q"]:
    """The kernel of every coordinate with itself, for one image: (q,)."""
    return _prior_variance(*metas, z)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _prior_variance(
    limit: DualLimit, kind: str, scale: MetaScale, z: Float[Array, "q d"]
) -> Float[Array, " q"]:
    inputs = limit.spec.primary.inputs
    state = inputs.diagonal_state(inputs.prepare(z))
    assert isinstance(state, KernelState)
    return getattr(limit.primary_state(state, _itself(scale, z.dtype)), kind)


def prior_covariance(metas: Metas, z: Float[Array, "q d"]) -> Float[Array, "q q"]:
    """The kernel of one function between its coordinates, (q, q)."""
    return _equal_images(metas, coordinate_state(metas.limit, z, z))


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


def _equal_images(metas: Metas, state: KernelState) -> Array:
    return _at_no_angle(*metas, state)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _at_no_angle(
    limit: DualLimit, kind: str, scale: MetaScale, state: KernelState
) -> Array:
    meta = _itself(scale, state.pair.gap.dtype)
    one = jax.tree.map(lambda part: part[:, None], meta)
    return getattr(limit.primary_state(state, one), kind)


def _itself(scale: MetaScale, dtype: jnp.dtype) -> KernelState:
    """The kernels of f for an image with itself, one axis."""
    return meta_state(scale, jnp.zeros(1, dtype), jnp.full(1, scale.tangent, dtype))
