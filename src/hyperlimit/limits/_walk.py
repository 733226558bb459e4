"""The recursion of kernels through the layers of a network."""

from collections.abc import Iterator

import jax
from jaxtyping import Array, Int

from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractLayer, KernelState, SpatialState, advance
from hyperlimit.networks import Hypernetwork, Network


def walk(
    network: Network,
    state: KernelState | SpatialState,
    meta: KernelState | None = None,
) -> KernelState:
    """Carries a state through every layer.

    `meta` holds the kernels of a meta-network's outputs, from which generated
    parameters take theirs; None reads the network on its own, all parameters its own.
    """
    for block, times in _runs(network.layers):
        # Images change size on their way: only vectors go round a loop.
        if isinstance(state, SpatialState):
            state = _through(block * times, state, meta)
        elif times == 1:
            state = _through(block, state, meta)
        else:

            def once(
                _: int | Int[Array, ""],
                carried: KernelState,
                block: tuple[AbstractLayer, ...] = block,
            ) -> KernelState | SpatialState:
                return _through(block, carried, meta)

            state = jax.lax.fori_loop(0, times, once, state)
    if isinstance(state, SpatialState):
        raise InputError(
            f"the network ends in images, after {network.layers[-1]!r}: end it in "
            "Flatten() or GlobalAveragePool(), and Dense(...)."
        )
    return state


def _through(
    block: tuple[AbstractLayer, ...],
    state: KernelState | SpatialState,
    meta: KernelState | None,
) -> KernelState | SpatialState:
    for layer in block:
        sources = {
            name: meta if Hypernetwork.is_generated(answer) else None
            for name, answer in layer.generated().items()
        }
        state = advance(layer, state, sources)
    return state


def _runs(
    layers: tuple[AbstractLayer, ...], longest: int = 8
) -> Iterator[tuple[tuple[AbstractLayer, ...], int]]:
    """Splits layers into blocks and how often each is repeated in a row."""
    start = 0
    while start < len(layers):
        best = (1, 1)
        for period in range(1, min(longest, len(layers) - start) + 1):
            block, times = layers[start : start + period], 1
            while (
                layers[start + times * period : start + (times + 1) * period] == block
            ):
                times += 1
            # A block that occurs once is no repetition, whatever its length.
            if times > 1 and period * times > best[0] * best[1]:
                best = (period, times)
        period, times = best
        yield layers[start : start + period], times
        start += period * times
