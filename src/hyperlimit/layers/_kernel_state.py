"""What is carried through the layers of an infinitely wide network."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.activations import GaussianPair
from hyperlimit.numerics import Positive, clipped, safe_hypot, safe_ratio, saturation


class KernelState(eqx.Module):
    r"""The GP kernel $K$ and the NTK $T$ of one layer's outputs, for pairs of inputs.

    $K = s_x s_y (1 - \delta)$ is held as a `GaussianPair` and $T = s_x s_y \tau$ by
    its `tangent` $\tau$: sizes stay of order one, and the scales, which are vectors,
    are multiplied in once at the end. The kernels of a *parameter* (1 and 1 for a
    layer's own; those of the meta-network's outputs for a generated one) are held
    the same way.

    A generated layer multiplies scales: those of a primary network of depth H are of
    the order of $|x|^H$. Where all its layers are homogeneous, powers of two are
    split off into `exponents`, so that a pair of a large and a small input has its
    kernel of order one although neither scale can be represented.
    """

    pair: GaussianPair
    tangent: Float[Array, "..."]
    exponents: tuple[Int[Array, "..."], Int[Array, "..."]] | None = None

    @classmethod
    def of_inputs(cls, pair: GaussianPair) -> "KernelState":
        """The state before the first layer: no NTK yet."""
        return cls(pair, jnp.zeros_like(pair.gap))

    def with_exponents(self) -> "KernelState":
        """The same state with exponents of its own: scales that never overflow.

        For networks of homogeneous layers only, which leave exponents as they are.
        """
        if self.exponents is not None:
            return self
        zeros = tuple(
            jnp.zeros_like(std, jnp.int32) for std in (self.pair.std_x, self.pair.std_y)
        )
        return KernelState(self.pair, self.tangent, (zeros[0], zeros[1]))

    @property
    def nngp(self) -> Float[Array, "..."]:
        """The GP kernel K."""
        return self._scaled(1 - self.pair.gap)

    @property
    def ntk(self) -> Float[Array, "..."]:
        """The neural tangent kernel T."""
        return self._scaled(self.tangent)

    def _scaled(self, unit: Array) -> Array:
        if self.exponents is None:
            return unit * self.pair.scale
        std_x, exponent_x = _normalised(self.pair.std_x, self.exponents[0])
        std_y, exponent_y = _normalised(self.pair.std_y, self.exponents[1])
        total = exponent_x + exponent_y
        half = total >> 1
        scaled = unit * (std_x * std_y) * _power_of_two(half, unit.dtype)
        return scaled * _power_of_two(total - half, unit.dtype)

    def shaped_with(self, other: "KernelState") -> "KernelState":
        """The same state with every array broadcast against the other's."""

        def shaped(one: Array, two: Array) -> Array:
            return jnp.broadcast_to(one, jnp.broadcast_shapes(one.shape, two.shape))

        pair = jax.tree.map(shaped, self.pair, other.pair)
        return KernelState(pair, shaped(self.tangent, other.tangent), self.exponents)

    def rescaled(self, factor: float | Positive) -> "KernelState":
        """The state of outputs multiplied by a constant."""
        if factor == 1.0:
            return self
        return eqx.tree_at(lambda state: state.pair, self, self.pair.rescaled(factor))

    def times(self, weight: "KernelState | None") -> "KernelState":
        r"""A product with an independent random weight, summed over a wide fan-in.

        $K \to K_w K$ and $T \to K_w T + T_w K$; `None` is a layer's own weight,
        with both kernels one.
        """
        here = self.pair
        if weight is None:
            tangent = self.tangent + (1 - here.gap)
            return KernelState(here, tangent, self.exponents)
        there = weight.pair
        std_x, std_y = there.std_x * here.std_x, there.std_y * here.std_y
        exponents = self.exponents
        if exponents is None:
            # Saturates where a product of scales cannot be represented.
            top = saturation(here.gap.dtype)
            std_x, std_y = clipped(std_x, high=top), clipped(std_y, high=top)
        else:
            std_x, exponent_x = _normalised(std_x, exponents[0])
            std_y, exponent_y = _normalised(std_y, exponents[1])
            exponents = (exponent_x, exponent_y)
        gap = there.gap + here.gap - there.gap * here.gap
        tangent = (1 - there.gap) * self.tangent + weight.tangent * (1 - here.gap)
        return KernelState(GaussianPair(std_x, std_y, gap), tangent, exponents)

    def plus(self, other: "KernelState") -> "KernelState":
        r"""A sum with an independent random function: both kernels add.

        The gap of the sum, $s_x' s_y' \delta' = p_1\delta_1 + p_2\delta_2 +
        (s_{1x} s_{2y} - s_{1y} s_{2x})^2 / (s_x' s_y' + p_1 + p_2)$ with
        $p_i = s_{ix} s_{iy}$, has positive terms only.
        """
        one, two, exponents = _aligned(self, other)
        std_x = safe_hypot(one.std_x, two.std_x)
        std_y = safe_hypot(one.std_y, two.std_y)
        # In units of the new deviations, so that nothing is squared unscaled.
        ax, ay = safe_ratio(one.std_x, std_x), safe_ratio(one.std_y, std_y)
        bx, by = safe_ratio(two.std_x, std_x), safe_ratio(two.std_y, std_y)
        p, q = ax * ay, bx * by
        # As ax^2 + bx^2 = 1 = ay^2 + by^2, both terms have one sign; and equal inputs
        # stay equal to the bit where ax * by - ay * bx is fused and is not quite zero.
        crossed = ((ax - ay) * by - ay * (bx - by)) ** 2 / (1 + p + q)
        # Rounding may step over two, where activations have no value.
        gap = clipped(p * one.gap + q * two.gap + crossed, high=2.0)
        tangent = p * self.tangent + q * other.tangent
        return KernelState(GaussianPair(std_x, std_y, gap), tangent, exponents)


def constant_state(like: KernelState, std: float | Positive) -> KernelState:
    """The state of a trained number with deviation `std`, shared by all inputs."""
    pair = GaussianPair(
        std * jnp.ones_like(like.pair.std_x),
        std * jnp.ones_like(like.pair.std_y),
        jnp.zeros_like(like.pair.gap),
    )
    return KernelState.of_inputs(pair).times(None)


def _aligned(
    one: KernelState, two: KernelState
) -> tuple[GaussianPair, GaussianPair, tuple[Array, Array] | None]:
    """The pairs of two states in units of common powers of two."""
    if one.exponents is None and two.exponents is None:
        return one.pair, two.pair, None
    one, two = one.with_exponents(), two.with_exponents()
    assert one.exponents is not None
    assert two.exponents is not None
    common_x, common_y = (
        jnp.where(a > b, a, b)
        for a, b in zip(one.exponents, two.exponents, strict=True)
    )

    def shifted(state: KernelState, by: tuple[Array, Array]) -> GaussianPair:
        pair = state.pair
        return GaussianPair(
            jnp.ldexp(pair.std_x, by[0] - common_x),
            jnp.ldexp(pair.std_y, by[1] - common_y),
            pair.gap,
        )

    pairs = shifted(one, one.exponents), shifted(two, two.exponents)
    return *pairs, (common_x, common_y)


def _power_of_two(exponent: Int[Array, "..."], dtype: jnp.dtype) -> Array:
    """2^exponent from its bits, clipped to what the type can hold.

    An entry of a matrix needs two of these; `jnp.ldexp` goes by `power`, which costs
    ten times as much. Two factors reach the product's whole range.
    """
    info = jnp.finfo(dtype)
    bias = int(info.maxexp) - 1
    word = jnp.int64 if info.bits == 64 else jnp.int32
    bits = (clipped(exponent, 1 - bias, bias) + bias).astype(word) << int(info.nmant)
    return jax.lax.bitcast_convert_type(bits, dtype)


def _normalised(
    std: Float[Array, "..."], exponent: Int[Array, "..."]
) -> tuple[Float[Array, "..."], Int[Array, "..."]]:
    """The same number with its mantissa in [1/2, 1) and the rest in the exponent."""
    _, shift = jnp.frexp(jax.lax.stop_gradient(std))
    return jnp.ldexp(std, -shift), exponent + shift
