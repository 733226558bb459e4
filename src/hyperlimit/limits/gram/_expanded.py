"""The Gram matrix of images x coordinates as a Kronecker sum."""

import functools
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._expansion import (
    Box,
    Expansion,
    chebyshev_points,
    expand,
    slab,
    slabs,
)
from hyperlimit.limits.gram._left_terms import left_terms
from hyperlimit.limits.gram._meta_kernels import (
    MetaDiagonal,
    MetaKernels,
    meta_kernels,
)
from hyperlimit.limits.gram._parts import Part, degree
from hyperlimit.limits.gram._pivot_terms import PivotTerms
from hyperlimit.limits.gram._pivots import (
    Pivots,
    any_arguments,
    combined_slabs,
    pivots,
    sampled_arguments,
)
from hyperlimit.limits.gram._setting import Setting, Sides
from hyperlimit.limits.gram._terms import Polynomials, Scales
from hyperlimit.linalg.operators import KroneckerSum
from hyperlimit.networks import Network

Method = Literal["expansion", "tiled"]
# By default an entry may be wrong by this much of the largest.
RELATIVE = 1e-6
_ROUNDING = 1e-15


class Expanded(NamedTuple):
    """The sum of Kronecker products, and what is known of it.

    Attributes:
        terms: how many products.
        factors: where the left ones are.
        error: the largest that was found of an entry while it was made, roundings of
            its entries apart.
        gap: between coordinates.
    """

    operator: KroneckerSum
    terms: int
    factors: str
    error: float
    gap: Float[np.ndarray, "p q"]


def expanded(setting: Setting, sides: Sides, atol: float, largest: float) -> Expanded:
    """The sum of Kronecker products whose entries are off by `atol`, if it is met.

    Nothing is promised here: the caller reads the error.
    """
    state = coordinate_state(setting.spec.primary, sides.left.z, sides.right.z)
    kernels, angle = _angles(setting, sides)
    std = float(np.exp(np.mean(np.log(sides.std))))
    factors, right, weights, blocks = [], [], [], []
    share, error = atol / len(setting.parts) / 2, 0.0
    for part in setting.parts:
        box, power = box_of(part, sides.std, angle, atol / largest)
        most = (sides.std.max() / std) ** (2 * power)
        most *= _tangent(part, sides)
        wanted = share / most
        polynomial = expand(part, box, state, wanted) if box.high == box.low else None
        found = ()
        # Less than is lost by rounding is met by nothing.
        hopeless = polynomial is not None and atol < _ROUNDING * largest
        if polynomial is None or not (hopeless or polynomial.error <= wanted):
            # Images with deviations of their own, or coordinates so near each other
            # that no polynomial is near the cone between them.
            pairs = _arguments(sides, kernels, angle)
            found = pivots(part, pairs, state, share / _tangent(part, sides))
        reached = _tangent(part, sides) * sum(one.error for one in found)
        if polynomial is not None and not (found and reached < most * polynomial.error):
            factors.append(_polynomials(part, polynomial, box, power, setting.dtype))
            right.append(slabs(part, polynomial, state))
            error += most * polynomial.error
        else:
            for one in found:
                factors.append(_pivot_terms(part, one, std, setting.dtype))
                right.append(combined_slabs(part, one, state))
            error += reached
        if sides.same:
            own = own_blocks(part, box, power, std, sides.diagonals[0], state)
            weights.append(own[0])
            blocks.append(own[1])
    left, other = (
        scales_of(side.std, Box(0.0, 0.0, angle), std, setting.dtype)
        for side in sides.diagonals
    )
    scales = (left, other)
    terms, where = left_terms(setting, sides, tuple(factors), kernels, scales)
    p, q = state.pair.gap.shape
    operator = KroneckerSum(
        terms,
        jnp.asarray(np.concatenate(right), setting.dtype),
        jnp.asarray(
            np.concatenate(weights) if weights else np.zeros((0, len(sides.right.x))),
            setting.dtype,
        ),
        jnp.asarray(
            np.concatenate(blocks) if blocks else np.zeros((0, p, q)), setting.dtype
        ),
    )
    gap = np.asarray(state.pair.gap)
    return Expanded(operator, len(operator.right), where, error, gap)


def _tangent(part: Part, sides: Sides) -> float:
    """What the part is multiplied by, at most."""
    return max(sides.tangent, 1e-300) if part.with_tangent else 1.0


def coordinate_state(primary: Network, a: np.ndarray, b: np.ndarray) -> KernelState:
    """The kernels of the primary's inputs between two sets of coordinates."""
    with jax.enable_x64(True):
        return _coordinate_state(primary, jnp.asarray(a), jnp.asarray(b))


@functools.partial(jax.jit, static_argnums=0)
def _coordinate_state(primary: Network, a: Array, b: Array) -> KernelState:
    inputs = primary.limit_inputs
    state = inputs.gram_state(inputs.prepare(a), inputs.prepare(b))
    assert isinstance(state, KernelState)
    return state


def box_of(
    part: Part, std: np.ndarray, angle: float, relative: float
) -> tuple[Box, float]:
    """Where the part is expanded, and the power of deviations that comes before it."""
    low, high = float(np.log(std.min())), float(np.log(std.max()))
    middle = float(np.mean(np.log(std)))
    # Rows that are equal but for a rounding are equal.
    if high - low < 1e-13:
        return Box(middle, middle, angle), 0.0
    power = degree(part, float(np.exp(middle)))
    if power is not None:
        return Box(middle, middle, angle), power
    if high - low < relative / 100:
        return Box(middle, middle, angle), 0.0
    return Box(low, high, angle), 0.0


def _angles(setting: Setting, sides: Sides) -> tuple[MetaKernels | None, float]:
    """f's kernels between the images, if they can be kept, and the largest angle."""
    numbers = len(sides.left.x) * len(sides.right.x)
    if 2 * numbers * np.dtype(setting.dtype).itemsize <= setting.memory:
        found = meta_kernels(
            setting.meta, sides.left.x, sides.right.x, setting.pair_size
        )
        largest = float(found.angle.max())
        return found, max(largest, 1e-3)
    return None, np.pi


def _polynomials(
    part: Part, found: Expansion, box: Box, power: float, dtype: Any
) -> Polynomials:
    return Polynomials(
        jnp.asarray(found.coefficients, dtype),
        jnp.asarray(box.angle, dtype),
        power,
        part.with_tangent,
    )


def mirrored(one: Polynomials) -> Polynomials:
    """With the deviations' places exchanged."""
    return eqx.tree_at(
        lambda p: p.coefficients, one, jnp.swapaxes(one.coefficients, 1, 2)
    )


def _arguments(
    sides: Sides, kernels: MetaKernels | None, angle: float
) -> Float[np.ndarray, "k 3"]:
    if kernels is None:
        return any_arguments(sides.std, angle)
    left, right = (one.std for one in sides.diagonals)
    return sampled_arguments(left, right, kernels.angle, sides.same)


def _pivot_terms(part: Part, found: Pivots, middle: float, dtype: Any) -> PivotTerms:
    return PivotTerms(
        part.primary,
        part.name,
        jnp.asarray(found.pairs, dtype),
        jnp.asarray(middle, dtype),
        found.sign,
    )


def own_blocks(
    part: Part,
    box: Box,
    power: float,
    std: float,
    diagonal: MetaDiagonal,
    state: KernelState,
) -> tuple[np.ndarray, np.ndarray]:
    """The blocks of equal images: what they are made of, and with what weights."""
    if box.high > box.low:
        nodes = box.scales(24)
        inverse = np.linalg.inv(
            np.polynomial.chebyshev.chebvander(chebyshev_points(24), 23)
        )
        basis = np.polynomial.chebyshev.chebvander(box.unit_scale(diagonal.std), 23)
        weights = (basis @ inverse).T
    else:
        nodes = np.exp([box.low])
        weights = (diagonal.std[None] / std) ** (2 * power)
    if part.with_tangent:
        weights = weights * diagonal.tangent
    return weights, np.stack([slab(part, s, s, 0.0, state) for s in nodes])


def scales_of(std: np.ndarray, box: Box, middle: float, dtype: Any) -> Scales:
    unit = box.unit_scale(std)
    return Scales(jnp.asarray(unit, dtype), jnp.asarray(std / middle, dtype))
