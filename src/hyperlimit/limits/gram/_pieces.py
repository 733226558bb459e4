"""What a Kronecker sum is made of, differentiable in a kernel's numbers."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.layers import KernelState
from hyperlimit.limits._walk import walk
from hyperlimit.limits.gram._expansion import Box, Expansion, chebyshev_points
from hyperlimit.limits.gram._free_kernel import FreeKernel
from hyperlimit.limits.gram._meta_kernels import angles
from hyperlimit.limits.gram._parts import kernel_part
from hyperlimit.limits.gram._terms import Polynomials, Scales, chebyshev

# Points of the blocks of equal images in a deviation, where deviations differ.
_OWN = 24


class Layout(eqx.Module):
    """Where a part of the kernel is expanded: fixed while its numbers move a little.

    Attributes:
        degree: h of the deviations' power before it.
        varying: whether images have deviations of their own; if not, the nodes have
            the one that all have.
        centre, half: of the deviations' range, on a log scale.
        angle: the largest.
        nodes, coefficients: of the expansion.
    """

    name: str = eqx.field(static=True)
    degree: float = eqx.field(static=True)
    varying: bool = eqx.field(static=True)
    centre: Float[Array, ""]
    half: Float[Array, ""]
    angle: Float[Array, ""]
    nodes: Float[Array, "r 3"]
    coefficients: Float[Array, "r a a d"]

    @property
    def polynomials(self) -> Polynomials:
        """c_k, without mirror images."""
        return Polynomials(
            self.coefficients, self.angle, self.degree, self.name == "generated"
        )


def layout_of(name: str, found: Expansion, box: Box, degree: float) -> Layout:
    """The expansion of one part, in double precision."""
    varying = found.coefficients.shape[1] > 1
    numbers = ((box.low + box.high) / 2, (box.high - box.low) / 2, box.angle)
    arrays = (jnp.asarray(v, jnp.float64) for v in (*numbers, *found[:2]))
    return Layout(name, degree, varying, *arrays)


class Diagonal(NamedTuple):
    """f's kernels of images with themselves: log deviations, and the NTK."""

    log_std: Float[Array, " n"]
    tangent: Float[Array, " n"]

    def scales(self, layout: Layout) -> Scales:
        """Deviations in the units of an expansion."""
        middle = jnp.mean(self.log_std)
        unit = jnp.zeros_like(self.log_std)
        if layout.varying:
            unit = (self.log_std - layout.centre) / layout.half
        return Scales(unit, jnp.exp(self.log_std - middle))


class Factors(NamedTuple):
    """Of one part: F at the nodes, and the exact blocks of equal images.

    Attributes:
        right: (r, p, p).
        weights, blocks: of the exact blocks, (s, n) and (s, p, p).
    """

    right: Float[Array, "r p p"]
    weights: Float[Array, "s n"]
    blocks: Float[Array, "s p p"]


def diagonal(kernel: FreeKernel, a: PyTree) -> Diagonal:
    """f's kernels of prepared images with themselves."""
    meta = kernel.meta
    state = walk(meta, meta.limit_inputs.diagonal_state(a))
    return Diagonal(jnp.log(state.pair.std_x), state.tangent)


def factors(kernel: FreeKernel, layout: Layout, found: Diagonal, z: PyTree) -> Factors:
    """All that is made of pairs of prepared coordinates."""
    nodes = layout.nodes
    scales = found.scales(layout)
    if layout.varying:
        points = chebyshev_points(_OWN)
        vandermonde = np.polynomial.chebyshev.chebvander(points, _OWN - 1)
        weights = jnp.asarray(np.linalg.inv(vandermonde).T) @ chebyshev(
            scales.unit, _OWN
        )
        std = jnp.exp(layout.centre + layout.half * jnp.asarray(points))
    else:
        weights = scales.size[None] ** (2 * layout.degree)
        std = jnp.exp(jnp.mean(found.log_std))[None]
        middle = std * jnp.ones_like(nodes[:, 0])
        nodes = jnp.stack([middle, middle, nodes[:, 2]], axis=1)
    if layout.polynomials.with_tangent:
        weights = weights * found.tangent[None]
    equal = jnp.stack([std, std, jnp.zeros_like(std)], axis=1)
    made = _slabs(kernel, layout, jnp.concatenate([nodes, equal]), z)
    return Factors(made[: len(nodes)], weights, made[len(nodes) :])


def _slabs(
    kernel: FreeKernel, layout: Layout, nodes: Float[Array, "r 3"], z: PyTree
) -> Float[Array, "r p p"]:
    primary = kernel.primary
    state = primary.limit_inputs.gram_state(z, z)
    assert isinstance(state, KernelState)

    # Only the node is kept for the gradient: a slab holds p x p some fifty times.
    @jax.checkpoint
    def slab(node: Float[Array, " 3"]) -> Float[Array, "p p"]:
        std, other, angle = (node[i][None, None] for i in range(3))
        return kernel_part(primary, layout.name, std, other, angle, state)

    return jax.lax.map(slab, nodes)


def angle_and_tangent(
    kernel: FreeKernel, a: PyTree, b: PyTree
) -> tuple[Float[Array, "b n"], Float[Array, "b n"]]:
    """f's angle and NTK between prepared images."""
    network = kernel.meta
    state = walk(network, network.limit_inputs.gram_state(a, b))
    gap = state.pair.gap
    # Equal images stay equal whatever the numbers are: no slope where it is infinite.
    apart = gap > 0
    angle = jnp.where(apart, angles(jnp.where(apart, gap, 1)), 0)
    return angle, state.tangent


def form(
    layout: Layout,
    found: tuple[Float[Array, "b n"], Float[Array, "b n"]],
    scales: tuple[Scales, Scales],
    right: Float[Array, "r p p"],
    vectors: tuple[Float[Array, "b p c"], Float[Array, "n p c"]],
    rows: Array,
) -> Float[Array, ""]:
    r"""$\sum_k \sum_c \sum_{ij} A_{k,ij}\, (U_c B_k V_c^T)_{ij}$ over some rows i."""
    some, every = vectors
    terms = layout.polynomials(*found, *scales)
    n, p, c = every.shape
    flat = jnp.swapaxes(every, 1, 2).reshape(n, c * p)

    def inner(block: Float[Array, "p p"]) -> Float[Array, "b n"]:
        turned = jnp.einsum("bpc,pq->bcq", some, block)
        return turned.reshape(some.shape[0], c * p) @ flat.T

    equal = rows[:, None] == jnp.arange(n)[None, :]
    return jnp.sum(jnp.where(equal[None], 0, terms * jax.lax.map(inner, right)))
