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
from hyperlimit.limits.gram._meta_kernels import (
    MetaDiagonal,
    MetaKernels,
    meta_kernels,
)
from hyperlimit.limits.gram._parts import Part, degree, parts_of
from hyperlimit.limits.gram._pivot_terms import PivotTerms
from hyperlimit.limits.gram._pivots import (
    Pivots,
    any_arguments,
    combined_slabs,
    pivots,
    sampled_arguments,
)
from hyperlimit.limits.gram._points import Points
from hyperlimit.limits.gram._terms import (
    AbstractFactors,
    KeptAngles,
    Polynomials,
    RemadeAngles,
    Scales,
)
from hyperlimit.linalg.operators import (
    AbstractOperator,
    AbstractTerms,
    KeptTerms,
    KroneckerSum,
    StreamedTerms,
)
from hyperlimit.networks import Hypernetwork, Network

Method = Literal["expansion", "tiled"]
# By default an entry may be wrong by this much of the largest.
RELATIVE = 1e-6
# Rows of left factors that are made at a time hold some 32 MB.
_BLOCK_NUMBERS = 2**23
# As many numbers more for a pair of images while its terms are made.
_BESIDES = 64
# Points on either side of the check.
_CHECKED = 256


class Setting(NamedTuple):
    """What every part of the work reads.

    Attributes:
        memory: bytes that left factors may take.
        pair_size: how many numbers a pair takes on its way through f.
    """

    spec: Hypernetwork
    kind: str
    dtype: Any
    memory: int
    pair_size: int

    @property
    def meta(self) -> Network:
        """f."""
        return self.spec.meta

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the sum of is the kernel."""
        return parts_of(self.spec.primary, self.kind)


class Sides(NamedTuple):
    """Points on the left and on the right; f's kernels of their images."""

    left: Points
    right: Points
    same: bool
    diagonals: tuple[MetaDiagonal, MetaDiagonal]

    @property
    def std(self) -> np.ndarray:
        """The deviations of all images."""
        return np.concatenate([one.std for one in self.diagonals])

    @property
    def tangent(self) -> float:
        """The largest NTK of an image with itself, in units of its variance."""
        return max(float(one.tangent.max()) for one in self.diagonals)


def expanded(
    setting: Setting, sides: Sides, atol: float, largest: float
) -> tuple[AbstractOperator, int, str]:
    """The operator, its number of terms, and where its left factors are."""
    state = coordinate_state(setting.spec.primary, sides.left.z, sides.right.z)
    kernels, angle = _angles(setting, sides)
    std = float(np.exp(np.mean(np.log(sides.std))))
    factors, right, weights, blocks = [], [], [], []
    share = atol / len(setting.parts) / 2
    for part in setting.parts:
        box, power = box_of(part, sides.std, angle, atol / largest)
        most = (sides.std.max() / std) ** (2 * power)
        most *= sides.tangent if part.with_tangent else 1.0
        wanted = share / max(most, 1e-300)
        if box.high > box.low:
            # Images with deviations of their own.
            pairs = _arguments(sides, kernels, angle)
            for one in pivots(part, pairs, state, wanted):
                factors.append(_pivot_terms(part, one, std, setting.dtype))
                right.append(combined_slabs(part, one, state))
        else:
            found = expand(part, box, state, wanted)
            factors.append(_polynomials(part, found, box, power, setting.dtype))
            right.append(slabs(part, found, state))
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
    return operator, len(operator.right), where


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


def left_terms(
    setting: Setting,
    sides: Sides,
    factors: tuple[AbstractFactors, ...],
    kernels: MetaKernels | None,
    scales: tuple[Scales, Scales],
) -> tuple[AbstractTerms, str]:
    """The left factors, in what the budget allows."""
    count = sum(one.count for one in factors)
    m, n = len(sides.left.x), len(sides.right.x)
    block = max(1, min(m, _BLOCK_NUMBERS // ((count + _BESIDES) * n)))
    if kernels is None:
        inputs = setting.meta.limit_inputs
        a, b = (
            inputs.prepare(jnp.asarray(side.x, setting.dtype))
            for side in (sides.left, sides.right)
        )
        source = RemadeAngles(factors, setting.meta, a, b, *scales, sides.same)
        return StreamedTerms(source, block), "from images"
    angle, tangent = (jnp.asarray(part, setting.dtype) for part in kernels)
    source = KeptAngles(factors, angle, tangent, *scales, sides.same)
    if count * m * n * np.dtype(setting.dtype).itemsize > setting.memory:
        return StreamedTerms(source, block), "from angles"
    return KeptTerms(_filled(source, block)), "kept"


@eqx.filter_jit
def _filled(source: KeptAngles, block: int) -> Float[Array, "r m n"]:
    r, m, n = source.shape
    starts = jnp.asarray([min(i, m - block) for i in range(0, m, block)])

    def fill(result: Array, start: Array) -> tuple[Array, None]:
        made = source.made(start + jnp.arange(block), None)
        return jax.lax.dynamic_update_slice(result, made, (0, start, 0)), None

    return jax.lax.scan(fill, jnp.zeros((r, m, n), source.dtype), starts)[0]
