"""Parts of the kernel that are functions of f's deviations and angle alone."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import AbstractLayer, KernelState
from hyperlimit.limits._walk import walk
from hyperlimit.networks import FreeNumber, Hypernetwork, Network, with_numbers
from hyperlimit.numerics import Positive


class Part(NamedTuple):
    r"""$F(s, s', \varphi; z, z')$, a part of the kernel of a primary network.

    The GP kernel is one part. The NTK is linear in the meta-network's:
    $U + \tau V$, U from the parameters of the primary network's own, which is zero if
    all are generated.

    Attributes:
        name: "nngp", "own" for U or "generated" for V.
        numbers, values: of the primary network, where they are not what it says.
    """

    primary: Network
    name: str
    numbers: tuple[FreeNumber, ...] = ()
    values: Float[Array, " q"] | Float[np.ndarray, " q"] | None = None

    @property
    def with_tangent(self) -> bool:
        """Whether the part is multiplied by the meta-network's NTK."""
        return self.name == "generated"


def parts_of(primary: Network, kind: str) -> tuple[Part, ...]:
    """What the sum of is a kernel, "ntk" or "nngp"."""
    if kind == "nngp":
        return (Part(primary, "nngp"),)
    generated = (Part(primary, "generated"),) if any_generated(primary.layers) else ()
    if all_generated(primary.layers):
        return generated
    return (*generated, Part(primary, "own"))


def _answers(layers: tuple[AbstractLayer, ...]) -> list[bool]:
    return [
        Hypernetwork.is_generated(answer)
        for layer in layers
        for answer in layer.generated().values()
    ]


def all_generated(layers: tuple[AbstractLayer, ...]) -> bool:
    """Whether a primary network has no parameters of its own."""
    return all(_answers(layers))


def any_generated(layers: tuple[AbstractLayer, ...]) -> bool:
    """Whether a primary network has parameters that f writes."""
    return any(_answers(layers))


def part_values(
    part: Part,
    std_x: Float[Array, "..."],
    std_y: Float[Array, "..."],
    angle: Float[Array, "..."],
    coordinates: KernelState,
) -> Float[Array, "..."]:
    """F, everything broadcast against everything; one rank."""
    return _part_values(*part, std_x, std_y, angle, coordinates)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _part_values(
    primary: Network,
    name: str,
    numbers: tuple[FreeNumber, ...],
    values: Array | None,
    std_x: Array,
    std_y: Array,
    angle: Array,
    coordinates: KernelState,
) -> Array:
    if values is not None:
        primary = with_numbers(primary, numbers, [Positive(v) for v in values])
    return kernel_part(primary, name, std_x, std_y, angle, coordinates)


def kernel_part(
    primary: Network,
    name: str,
    std_x: Float[Array, "..."],
    std_y: Float[Array, "..."],
    angle: Float[Array, "..."],
    coordinates: KernelState,
) -> Float[Array, "..."]:
    """F of a part, inside a compiled function."""

    def at(tangent: float) -> KernelState:
        pair = GaussianPair(std_x, std_y, 2 * jnp.sin(angle / 2) ** 2)
        meta = KernelState(pair, jnp.full_like(angle, tangent))
        return primary_kernels(primary, coordinates, meta)

    if name == "nngp":
        return at(0.0).nngp
    own = at(0.0).ntk
    return own if name == "own" else at(1.0).ntk - own


def primary_kernels(
    primary: Network, inputs: KernelState, meta: KernelState
) -> KernelState:
    """The kernels of the hypernetwork from those of z and of f(x)."""
    # One shape throughout, which the loop over layers needs.
    inputs = inputs.shaped_with(meta)
    if all(layer.homogeneous for layer in primary.layers):
        inputs = inputs.with_exponents()
    return walk(primary, inputs, meta)


def degree(part: Part, std: float) -> float | None:
    r"""The h of $F(s, s', \cdot) = (s s' / s_0^2)^h F(s_0, s_0, \cdot)$, if there is.

    Seen in numbers, to rounding, at scales that are in no simple ratio.
    """
    draw = np.random.default_rng(0)
    with jax.enable_x64(True):
        gap = jnp.asarray(draw.uniform(0.01, 1.9, (1, 64)))
        ones = jnp.ones_like(gap)
        inputs = KernelState.of_inputs(GaussianPair(ones, 1.3 * ones, gap))
        angle = jnp.asarray(draw.uniform(0.01, 3.0, (1, 64)))

        def value(one: float, two: float) -> np.ndarray:
            left, right = (jnp.full_like(angle, std * v) for v in (one, two))
            return np.asarray(part_values(part, left, right, angle, inputs))

        base = value(1.0, 1.0)
        scale = np.abs(base).max()
        if not scale > 0:
            return 0.0
        here = np.abs(base) > 0.1 * scale
        found = float(
            np.median(np.log(np.abs(value(1.7, 1.7)[here] / base[here])))
            / (2 * np.log(1.7))
        )
        for one, two in ((0.6, 1.0), (1.7, 1.7), (0.4, 2.3)):
            expected = (one * two) ** found * base
            wrong = np.abs(value(one, two) - expected).max()
            if not wrong <= 1e-11 * np.abs(expected).max():
                return None
    return found
