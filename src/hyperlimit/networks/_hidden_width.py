"""A network of another width."""

from dataclasses import replace

from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractLayer, Residual, layers_inside
from hyperlimit.networks._network import Network


def with_hidden_width(network: Network, width: int) -> Network:
    """The same network with hidden layers of one width.

    Every layer that has a width gets it, those of residual branches too; the last
    one, which has the outputs, and layers that take their width from others stay.

    Raises:
        InputError: for a width below one, or a network without hidden layers.

    Examples:
        >>> from hyperlimit.networks import mlp
        >>> network = with_hidden_width(mlp(depth=3, width=8, out=2), 64)
        >>> [layer.width for layer in network.layers[::2]]
        [64, 64, 2]
    """
    if width < 1:
        raise InputError(f"width={width} is not a width: give at least 1.")
    layers = _widened(network.layers, width, outputs=True)
    if layers == network.layers and layers == _widened(layers, width + 1, outputs=True):
        raise InputError(
            f"a network of {network.dense_layers} dense layers has no hidden layer of "
            "a width: give one of depth 2 or more."
        )
    return replace(network, layers=layers)


def _widened(
    layers: tuple[AbstractLayer, ...], width: int, *, outputs: bool
) -> tuple[AbstractLayer, ...]:
    sized = [i for i, layer in enumerate(layers) if _has_width(layer)]
    last = sized[-1] if outputs and sized else None
    return tuple(
        _one_widened(layer, width, outputs=i == last) for i, layer in enumerate(layers)
    )


def _one_widened(layer: AbstractLayer, width: int, *, outputs: bool) -> AbstractLayer:
    if isinstance(layer, Residual):
        branch = _widened(layer.branch, width, outputs=outputs)
        shortcut = _widened(layer.shortcut, width, outputs=outputs)
        return replace(layer, branch=branch, shortcut=shortcut)
    if outputs or getattr(layer, "width", None) is None:
        return layer
    return replace(layer, width=width)  # ty: ignore[invalid-argument-type]


def _has_width(layer: AbstractLayer) -> bool:
    return any(hasattr(inside, "width") for inside in layers_inside((layer,)))
