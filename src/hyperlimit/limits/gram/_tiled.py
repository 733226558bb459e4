"""The Gram matrix of any points, its entries computed in every product."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._meta_kernels import meta_kernels
from hyperlimit.limits.gram._parts import primary_kernels
from hyperlimit.limits.gram._setting import Setting, Sides
from hyperlimit.linalg.operators import KernelMatrix
from hyperlimit.networks import Network


class PairKernel(eqx.Module):
    """The kernel of points, from f's kernels between their images.

    A point is its image's place, and what the kernel needs of its coordinate.
    """

    primary: Network = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    gap: Float[Array, "m n"]
    tangent: Float[Array, "m n"]
    left: Float[Array, " m"]
    right: Float[Array, " n"]

    def __call__(self, a: PyTree, b: PyTree) -> Float[Array, "a b"]:
        """All pairs."""
        i, j = a[0][:, None], b[0][None, :]
        pair = GaussianPair(self.left[i], self.right[j], self.gap[i, j])
        state = self.primary.limit_inputs.gram_state(a[1], b[1])
        return self._kernel(state, KernelState(pair, self.tangent[i, j]))

    def _kernel(self, state: PyTree, meta: KernelState) -> Array:
        assert isinstance(state, KernelState)
        return getattr(primary_kernels(self.primary, state, meta), self.kind)


class OnePair(eqx.Module):
    """The same for each point of one list with its like in the other."""

    kernel: PairKernel

    def __call__(self, a: PyTree, b: PyTree) -> Float[Array, " a"]:
        """Pair by pair."""

        def one(a: PyTree, b: PyTree) -> Array:
            a, b = (jax.tree.map(lambda v: v[None], side) for side in (a, b))
            return self.kernel(a, b)[0, 0]

        return jax.vmap(one)(a, b)


def tiled_gram(setting: Setting, sides: Sides, tile: int = 512) -> KernelMatrix:
    """Keeps f's kernels between images, and computes an entry from them."""
    found = meta_kernels(setting.meta, sides.left.x, sides.right.x, setting.pair_size)
    gap = 2 * np.sin(found.angle / 2) ** 2
    left, right = (jnp.asarray(one.std, setting.dtype) for one in sides.diagonals)
    kernel = PairKernel(
        setting.spec.primary,
        setting.kind,
        jnp.asarray(gap, setting.dtype),
        jnp.asarray(found.tangent, setting.dtype),
        left,
        right,
    )

    def points(side) -> tuple[Int[Array, " v"], PyTree]:
        index = np.arange(len(side))
        image = side.images(index)
        place = index % len(side.z) if side.place is None else side.place
        prepare = setting.spec.primary.limit_inputs.prepare
        return jnp.asarray(image), prepare(jnp.asarray(side.z[place], setting.dtype))

    return KernelMatrix(
        kernel, OnePair(kernel), points(sides.left), points(sides.right), tile
    )
