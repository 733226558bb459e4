"""The kernel of functions with themselves, and how near functions are."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.limits.gram._expanded import box_of, coordinate_state, own_blocks
from hyperlimit.limits.gram._meta_kernels import meta_diagonal, meta_kernels
from hyperlimit.limits.gram._parts import parts_of


class ImageBlocks(NamedTuple):
    r"""The kernel of function i with itself, $\sum_s w_{si} D_s$.

    Attributes:
        weights: w, (s, m).
        blocks: D, (s, q, q).
    """

    weights: Float[Array, "s m"]
    blocks: Float[Array, "s q q"]

    @property
    def variance(self) -> Float[Array, "m q"]:
        """Of every function at every coordinate."""
        return self.weights.T @ jnp.diagonal(self.blocks, axis1=1, axis2=2)

    def of(self, index: int) -> Float[Array, "q q"]:
        """The covariance of one function."""
        return jnp.tensordot(self.weights[:, index], self.blocks, 1)


def image_blocks(
    limit: Any, x: Float[Array, "m ..."], z: ArrayLike, kind: str
) -> ImageBlocks:
    """The kernel of each function with itself, of a dual limit."""
    primary = limit.spec.primary
    diagonal = meta_diagonal(limit.spec.meta, np.asarray(x, np.float64))
    std = np.exp(np.mean(np.log(diagonal.std)))
    where = np.asarray(z, np.float64)
    state = coordinate_state(primary, where, where)
    weights, blocks = [], []
    for part in parts_of(primary, kind):
        box, power = box_of(part, diagonal.std, 1.0, 0.0)
        own = own_blocks(part, box, power, std, diagonal, state)
        weights.append(own[0])
        blocks.append(own[1])
    found = (np.concatenate(parts) for parts in (weights, blocks))
    return ImageBlocks(*(jnp.asarray(part, x.dtype) for part in found))


def image_angles(
    limit: Any, a: Float[Array, "m ..."], b: Float[Array, "n ..."]
) -> Float[np.ndarray, "m n"]:
    """f's angles between images, on double precision."""
    inputs = limit.spec.meta.limit_inputs
    left, right = (np.asarray(side, np.float64) for side in (a, b))
    size = limit.meta_pair_size(inputs.prepare(a[:1]))
    return meta_kernels(limit.spec.meta, left, right, size).angle
