"""The size and learning rate of one array, from the axes of it that grow."""

import math
from typing import NamedTuple

from hyperlimit.errors import InputError
from hyperlimit.layers import Size
from hyperlimit.networks import Network
from hyperlimit.parametrisation import Parameter
from hyperlimit.widths._abc import Rule


class TensorScale(NamedTuple):
    r"""Factors beside a network of the base widths, where both are one.

    With fan-in and fan-out $i$ and $o$ times what they are there:

    | | i, o | size, times $\sigma / \sqrt{fan\ in}$ | rate, SGD | rate, Adam |
    |---|---|---|---|---|
    | inputs, biases | 1, k | 1 | k | 1 |
    | hidden | k, k | 1 | 1 | 1/k |
    | outputs | k, 1 | $1/\sqrt k$ | 1/k | 1/k |
    | both grow | i, o | $\min(1, \sqrt{o/i})$ | o/i | 1/i |

    Below one i and o stand for networks narrower than the base's.

    Attributes:
        fan_in, fan_out: i and o.

    References:
        Yang et al., *Tensor Programs V*, NeurIPS 2021, table 8, for the first three.
    """

    fan_in: float
    fan_out: float

    @property
    def size(self) -> float:
        """The factor of the deviation at birth."""
        if self.fan_out == 1:
            return 1 / math.sqrt(self.fan_in)
        if self.fan_in == 1:
            return 1.0
        return min(1.0, math.sqrt(self.fan_out / self.fan_in))

    @property
    def width(self) -> float:
        """How much wider the network is than the base's: one where no axis grows."""
        return self.fan_in if self.fan_out == 1 else self.fan_out

    def rate(self, rule: Rule) -> float:
        """The factor of the learning rate."""
        if rule == "sgd":
            return self.fan_out / self.fan_in
        return 1 / self.fan_in


Scales = tuple[dict[str, TensorScale], ...]


def tensor_scales(network: Network, base: Network, in_size: Size) -> Scales:
    """The scale of every array of a network, layer by layer.

    Raises:
        InputError: if the networks do not have the same arrays, but for their sizes.
    """
    layers, base_layers = network.parameters(in_size), base.parameters(in_size)
    names = [[parameter.name for parameter in layer] for layer in layers]
    if names != [[parameter.name for parameter in layer] for layer in base_layers]:
        raise InputError(
            f"base={base!r} has other arrays than {network!r}: describe both alike, "
            "but for their widths."
        )
    return tuple(
        {one.name: _scale(one, other) for one, other in zip(layer, others, strict=True)}
        for layer, others in zip(layers, base_layers, strict=True)
    )


def _scale(parameter: Parameter, base: Parameter) -> TensorScale:
    # What is not fan-in of an array is fan-out, or does not grow.
    fan_in = parameter.fan_in / base.fan_in
    return TensorScale(fan_in, parameter.size / base.size / fan_in)
