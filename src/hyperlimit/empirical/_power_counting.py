"""How the Taylor terms shrink with the width, in theory: powers of it, counted."""

import itertools
import math

from hyperlimit.activations import AbstractPiecewiseLinear
from hyperlimit.layers import Dense, Elementwise
from hyperlimit.networks import Hypernetwork, Network


def exponents_in_theory(
    spec: Hypernetwork | Network, vary: str, order: int
) -> tuple[float | None, ...]:
    r"""The exponents $e_r$ of $K^{(r)} \sim width^{e_r}$, r from 1 to `order`.

    A plain network of depth L: $1 - r$ up to r = L. A hypernetwork of depths L and H:
    a derivative of h is one of g in which p slots hold derivatives of the weights V
    that f writes, along a gradient. A k-th derivative of V is a sum of three kinds: a
    multiple $n^{1-k}$ of $\nabla_V g$, from the head; noise of entries $n^{1/2-k}$, and
    a multiple $n^{-k}$ of V itself, from the layers below. With b, a and c slots of
    these, g adds $m^{1-b}$ for b > 1, $m^{-1/2}$ for b = 1 beside any noise, and one
    otherwise. The largest of all these products counts: with f alone wide 0 up to
    r = H and H - r beyond, with g alone wide 0 up to r = H (L - 1) + 1, and with n = m
    the larger of 1 - r and min(r, H) / 2 - r. `docs/taylor.md` derives it.

    None where nothing is known: activations that are not piecewise linear, layers
    other than dense ones, weights of g that are its own. Minus infinity where the
    network is a polynomial of a lower degree.
    """
    if isinstance(spec, Network):
        if not _counted(spec):
            return (None,) * order
        depth = spec.dense_layers
        return tuple(1.0 - r if r <= depth else -math.inf for r in _orders(order))
    generated = all(
        spec.is_generated(answer)
        for layer in spec.primary.layers
        for answer in layer.generated().values()
    )
    if not (generated and _counted(spec.meta) and _counted(spec.primary)):
        return (None,) * order
    rates = {"meta": (1, 0), "primary": (0, 1), "both": (1, 1)}[vary]
    depths = spec.meta.dense_layers, spec.primary.dense_layers
    return tuple(_largest(r, rates, depths) for r in _orders(order))


def _largest(r: int, rates: tuple[int, int], depths: tuple[int, int]) -> float:
    meta_depth, primary_depth = depths
    found = [-math.inf]
    for head, noise, copies in itertools.product(range(primary_depth + 1), repeat=3):
        slots = head + noise + copies
        # A derivative reaches each layer once, and no head if it is from below.
        reach = head * meta_depth + (noise + copies) * (meta_depth - 1)
        if 1 <= slots <= min(primary_depth, r) and r <= reach:
            in_meta = head + noise / 2 - r
            in_primary = min(0, 1 - head) if head != 1 or not noise else -0.5
            found.append(rates[0] * in_meta + rates[1] * in_primary)
    return max(found)


def _counted(network: Network) -> bool:
    """Whether a network is dense and piecewise linear."""
    return all(
        isinstance(layer, Dense)
        or (
            isinstance(layer, Elementwise)
            and isinstance(layer.function, AbstractPiecewiseLinear)
        )
        for layer in network.layers
    )


def _orders(order: int) -> range:
    return range(1, order + 1)
