"""Nodes of an expansion that serves while the numbers of its kernel move."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._expanded import box_of
from hyperlimit.limits.gram._expansion import Box, Expansion, expand
from hyperlimit.limits.gram._free_kernel import FreeKernel
from hyperlimit.limits.gram._parts import Part
from hyperlimit.limits.gram._pieces import Diagonal, Layout, layout_of

# Expansions are made for angles and deviations a little beyond those that there are,
# and finer than is asked for, so that they serve while the numbers move.
_ROOM, _FINER = 1.1, 10
# By how much a number is larger where its derivative is seen to.
_STEP = 1.1
# Numbers of nodes and of powers of the angle are multiples of these.
_NODES, _POWERS = 4, 16


def renewed(
    kernel: FreeKernel,
    found: Diagonal,
    prepared: tuple[PyTree, PyTree],
    angle: float,
    tolerance: float,
    before: tuple[Layout, ...] | None,
) -> tuple[Layout, ...]:
    """Expansions of the kernel's parts at its values.

    Args:
        kernel: at some values.
        found: f's kernels of the images with themselves there.
        prepared: images and coordinates.
        angle: the largest between images.
        tolerance: on an entry, in units of the largest.
        before: what they take the place of, whose sizes they keep if they can.
    """
    images, z = prepared
    std = np.exp(np.asarray(found.log_std))
    tangent = float(np.asarray(found.tangent).max())
    with jax.enable_x64(True):
        state = coordinate_state(kernel, z)
        # On the diagonal, of the image of largest deviation.
        image = int(np.argmax(std))
        one = jax.tree.map(lambda leaf: leaf[image : image + 1], images)
        largest = float(np.asarray(_own_entries(kernel, one, z)).max())
    wide = min(np.pi, _ROOM * max(angle, 1e-3))
    middle = np.exp(np.mean(np.log(std)))
    made = []
    for index, part in enumerate(kernel.parts):
        box, degree = box_of(part, std, wide, tolerance)
        if box.high > box.low:
            more = (_ROOM - 1) * (box.high - box.low)
            box = Box(box.low - more, box.high + more, box.angle)
        factor = (std.max() / middle) ** (2 * degree)
        factor *= tangent if part.with_tangent else 1.0
        share = tolerance * largest / len(kernel.parts) / _FINER / factor
        with jax.enable_x64(True):
            expansion = expand(part, box, state, share, _moved(part))
            expansion = _padded(expansion, before[index] if before else None)
            made.append(layout_of(part.name, expansion, box, degree))
    return tuple(made)


def _padded(found: Expansion, before: Layout | None) -> Expansion:
    """With nodes of no weight: renewed expansions then find compiled code."""
    r, d = found.coefficients.shape[0], found.coefficients.shape[3]
    rank, powers = -(-r // _NODES) * _NODES, -(-d // _POWERS) * _POWERS
    if before is not None:
        rank = max(rank, before.coefficients.shape[0])
        powers = max(powers, before.coefficients.shape[3])
    nodes = np.concatenate([found.nodes, np.repeat(found.nodes[:1], rank - r, 0)])
    room = ((0, rank - r), (0, 0), (0, 0), (0, powers - d))
    return Expansion(nodes, np.pad(found.coefficients, room), found.error)


def _moved(part: Part) -> tuple[Part, ...]:
    """The part with one number after the other a little larger.

    Polynomials that fit at one value alone have slopes that do not.
    """
    values = np.asarray(part.values)
    steps = np.diag(np.full(len(values), _STEP - 1)) + 1
    return tuple(part._replace(values=values * step) for step in steps)


@eqx.filter_jit
def _own_entries(kernel: FreeKernel, image: PyTree, z: PyTree) -> Float[Array, " p"]:
    """Of one image with itself at every coordinate."""
    return jnp.diagonal(kernel.entries((image, z), (image, z)))


@eqx.filter_jit
def coordinate_state(kernel: FreeKernel, z: PyTree) -> KernelState:
    """The kernels of the primary's inputs between coordinates."""
    state = kernel.primary.limit_inputs.gram_state(z, z)
    assert isinstance(state, KernelState)
    return state
