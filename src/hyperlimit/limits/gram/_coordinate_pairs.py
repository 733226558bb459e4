"""Pairs of coordinates to fit an expansion on, and to check it on."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._near import at_all_distances, nearest_apart

# Gaps that are looked through for those at all distances.
_MOST = 2**22


def some_pairs(
    coordinates: KernelState, seed: int, size: int
) -> Float[np.ndarray, "s 3"]:
    r"""Deviations and gap of pairs: any, equal, nearest ones, and at every distance.

    At a distance $\theta$ the kernel goes like $\sqrt{\varphi^2 + \theta^2}$, which is
    hardest to fit where $\theta$ is small and not zero; few pairs at random are so.
    """
    std_x, std_y, gap = (
        np.asarray(part, np.float64)
        for part in (
            coordinates.pair.std_x,
            coordinates.pair.std_y,
            coordinates.pair.gap,
        )
    )
    draw = np.random.default_rng(seed)
    m, n = gap.shape
    near = nearest_apart(gap)
    rows = draw.permutation(m)[: size // 8]
    equal = draw.integers(0, m, size // 25)
    # The nearest of each row, and of all pairs as many as can be looked through.
    some = np.arange(m * n)
    if len(some) > _MOST:
        some = np.concatenate([np.arange(m) * n + near, draw.integers(0, m * n, _MOST)])
    apart = some[at_all_distances(gap.reshape(-1)[some], size // 3, draw)]
    p = np.concatenate([equal, rows, apart // n])
    q = np.concatenate([np.argmin(gap[equal], axis=1), near[rows], apart % n])
    rest = size - len(p)
    p = np.concatenate([p, draw.integers(0, m, rest)])
    q = np.concatenate([q, draw.integers(0, n, rest)])
    return np.stack([std_x[p, 0], std_y[0, q], gap[p, q]], axis=1)


def state_of(pairs: Float[np.ndarray, "s 3"]) -> KernelState:
    """From the deviations and the gap of pairs of coordinates."""
    with jax.enable_x64(True):
        pair = GaussianPair(*(jnp.asarray(part[None]) for part in pairs.T))
        return _inputs_state(pair)


_inputs_state = jax.jit(KernelState.of_inputs)
