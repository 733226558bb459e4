"""Kernels averaged over positions, without losing the gaps of near-equal images."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._spatial_state import SpatialState, at_equal_positions
from hyperlimit.linalg import Windows
from hyperlimit.numerics import clipped, safe_ratio, safe_sqrt

Axes = tuple[int, int]


def shared_windows(state: SpatialState, windows: Windows) -> SpatialState:
    r"""Means over windows where both images are read at the same offset.

    $C'(p, p') = \frac1k \sum_o C(p + o, p' + o)$ for both kernels. With
    $a_o = s_x(p + o) / (\sqrt k s_x'(p))$ and $b_o$ the same of $y$, whose squares sum
    to one,

    $$\delta' = \sum_o a_o b_o \delta_o + \tfrac12 \sum_o (a_o - b_o)^2,$$

    in which nothing cancels.
    """
    axes_x, axes_y = state.axes_x, state.axes_y
    groups = [axes_x] if axes_x == axes_y else [axes_x, axes_y]

    def averaged(part: KernelState) -> KernelState:
        x, top_x = _normalised(part.pair.std_x, axes_x)
        y, top_y = _normalised(part.pair.std_y, axes_y)
        mean_x = safe_sqrt(windows.totals(x**2, [axes_x]) / windows.size)
        mean_y = safe_sqrt(windows.totals(y**2, [axes_y]) / windows.size)
        weight, scale = x * y, mean_x * mean_y * windows.size
        gap = safe_ratio(windows.totals(weight * part.pair.gap, groups), scale)
        tangent = safe_ratio(windows.totals(weight * part.tangent, groups), scale)
        root = windows.size**0.5
        unequal = jnp.zeros_like(gap)
        for one, two in zip(
            windows.offsets(x, [axes_x]), windows.offsets(y, [axes_y]), strict=True
        ):
            unequal = (
                unequal
                + (safe_ratio(one, mean_x * root) - safe_ratio(two, mean_y * root)) ** 2
            )
        # Rounding may step over two, where activations have no value.
        gap = clipped(gap + unequal / 2, high=2.0)
        pair = GaussianPair(mean_x * top_x, mean_y * top_y, gap)
        return KernelState(pair, tangent)

    return state.everywhere(averaged)


def equal_positions(state: SpatialState) -> KernelState:
    """Means over all positions, each read at the same place in both images."""
    part, axes = state.equal_positions().cross, (-2, -1)
    x, top_x = _normalised(part.pair.std_x, axes)
    y, top_y = _normalised(part.pair.std_y, axes)
    mean_x = safe_sqrt(jnp.mean(x**2, axes, keepdims=True))
    mean_y = safe_sqrt(jnp.mean(y**2, axes, keepdims=True))
    one, two = safe_ratio(x, mean_x), safe_ratio(y, mean_y)
    weight = one * two
    gap = jnp.mean(weight * part.pair.gap + (one - two) ** 2 / 2, axes)
    gap = clipped(gap, high=2.0)
    pair = GaussianPair((mean_x * top_x)[..., 0, 0], (mean_y * top_y)[..., 0, 0], gap)
    return KernelState(pair, jnp.mean(weight * part.tangent, axes))


def independent_windows(state: SpatialState, windows: Windows) -> SpatialState:
    r"""Means over windows where the images are read at all pairs of offsets.

    $C'(p, p') = \frac1{k^2} \sum_{o, o'} C(p + o, p' + o')$, and the deviations from
    the same of each image with itself. With $m_x = \frac1k \sum_o s_x$ and
    $e_{xy} = \frac{1}{k^2} \sum_{o, o'} s_x s_y \delta$ (and $e_{xx}, e_{yy}$ of each
    image with itself at $p = p'$),

    $$s_x'^2 = m_x^2 - e_{xx},\qquad s_x' s_y' \delta' = e_{xy} -
        \frac{m_x^2 e_{yy} + m_y^2 e_{xx} - e_{xx} e_{yy}}{m_x m_y + s_x' s_y'}.$$
    """
    assert state.own is not None
    moments_x, moments_y = (_moments(own, windows) for own in state.own)

    def pooled(part: KernelState, first: _Moments, second: _Moments) -> KernelState:
        (mean_a, spread_a, top_a), (mean_b, spread_b, top_b) = (
            tuple(values[..., None, None] for values in first),
            tuple(values[..., None, None, :, :] for values in second),
        )
        std_a = safe_sqrt(mean_a**2 - spread_a)
        std_b = safe_sqrt(mean_b**2 - spread_b)
        weight = safe_ratio(part.pair.std_x, top_a) * safe_ratio(part.pair.std_y, top_b)

        def mean(values: Array) -> Array:
            total = windows.totals(weight * values, [(-4, -3)])
            return windows.totals(total, [(-2, -1)]) / windows.size**2

        lost = safe_ratio(
            mean_a**2 * spread_b + mean_b**2 * spread_a - spread_a * spread_b,
            mean_a * mean_b + std_a * std_b,
        )
        spread, scale = mean(part.pair.gap), std_a * std_b
        # What is below rounding is nothing: equal images stay equal.
        rounding = 16 * float(jnp.finfo(scale.dtype).eps) * (spread + scale)
        kept = jnp.where(spread - lost <= rounding, 0.0, spread - lost)
        gap = clipped(safe_ratio(kept, scale), high=2.0)
        pair = GaussianPair(std_a * top_a, std_b * top_b, gap)
        return KernelState(pair, safe_ratio(mean(part.tangent), std_a * std_b))

    return SpatialState(
        pooled(state.cross, moments_x, moments_y),
        (
            pooled(state.own[0], moments_x, moments_x),
            pooled(state.own[1], moments_y, moments_y),
        ),
    )


class _Moments(NamedTuple):
    """Of one image with itself: means and spreads of windows, and their unit."""

    mean: Float[Array, "... h w"]
    spread: Float[Array, "... h w"]
    top: Float[Array, "... 1 1"]


def _moments(own: KernelState, windows: Windows) -> _Moments:
    std, top = _normalised(own.pair.std_x[..., 0, 0], (-2, -1))
    mass = std[..., None, None] * std[..., None, None, :, :] * own.pair.gap
    mass = windows.totals(windows.totals(mass, [(-4, -3)]), [(-2, -1)])
    mean = windows.totals(std, [(-2, -1)]) / windows.size
    return _Moments(mean, at_equal_positions(mass) / windows.size**2, top)


def _normalised(std: Float[Array, "..."], axes: Axes) -> tuple[Array, Array]:
    """Deviations in units of the largest of each image, and that unit."""
    top = jnp.max(jax.lax.stop_gradient(std), axis=axes, keepdims=True)
    return safe_ratio(std, top), top
