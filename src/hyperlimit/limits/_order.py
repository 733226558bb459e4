"""Which layers may follow which for a network to have a limit."""

from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractLayer, Elementwise, FiLM, LayerNorm, Residual


def check_order(layers: tuple[AbstractLayer, ...], incoming: bool = False) -> None:
    """Raises an InputError where the recursion of a layer would be wrong.

    `incoming`: whether the inputs of the first layer are Gaussian, of mean zero.
    """
    for index, layer in enumerate(layers):
        where = f"in the limit, layer {index}, {layer!r},"
        following = layers[index + 1] if index + 1 < len(layers) else None
        if isinstance(layer, Elementwise) and not incoming:
            raise InputError(
                f"{where} reads what is not Gaussian, and has no dual there: put Dense "
                "or Convolution before it, with no activation or FiLM between."
            )
        if isinstance(layer, LayerNorm) and layer.centre and not incoming:
            raise InputError(
                f"{where} takes off a mean that does not vanish: put it after Dense or "
                "Convolution and before the activation, or give centre=False."
            )
        if isinstance(layer, FiLM) and not _sums(following):
            raise InputError(
                f"{where} is followed by {following!r}, and a product of Gaussians is "
                "no Gaussian: put it right before Dense or Convolution."
            )
        if isinstance(layer, Residual):
            check_order(layer.branch, incoming)
            check_order(layer.shortcut, incoming)
        incoming = layer.gaussian(incoming)


def _sums(layer: AbstractLayer | None) -> bool:
    """Whether a layer sums over features with random weights."""
    return layer is not None and layer.gaussian(incoming=False)
