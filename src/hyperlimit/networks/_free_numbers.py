"""The numbers of a network that may be learned, and the network with others."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from hyperlimit.layers import AbstractInputs, AbstractLayer, FourierFeatures
from hyperlimit.networks._network import Network
from hyperlimit.numerics import Positive


class FreeNumber(NamedTuple):
    """A positive number of a network, wherever its layers have it: they share it."""

    name: str
    value: float


def free_numbers(network: Network, names: Sequence[str]) -> tuple[FreeNumber, ...]:
    """The distinct positive numbers under some of the names, in order.

    Zero means that there are no such parameters, and stays. The bandwidth of Fourier
    features with a seed is that of frequencies already drawn, and stays too.

    Examples:
        >>> from hyperlimit.networks import mlp
        >>> free_numbers(mlp(depth=3, width=8, weight_std=2.0), ("weight_std",))
        (FreeNumber(name='weight_std', value=2.0),)
    """
    found = [FreeNumber(name, value) for name, value in _numbers(network)]
    return tuple(dict.fromkeys(one for one in found if one.name in names))


def with_numbers(
    network: Network,
    numbers: Sequence[FreeNumber],
    values: Sequence[float | Positive],
) -> Network:
    """The same network with other values for some of its numbers.

    Numbers that were equal stay one object, so that repeated layers stay equal.
    """
    new = dict(zip(numbers, values, strict=True))
    return _changed(network, lambda one: new.get(one, one.value))


def _numbers(part: Any) -> Iterator[tuple[str, float]]:
    """The positive numbers of a part and of what is inside it."""
    if isinstance(part, tuple):
        for one in part:
            yield from _numbers(one)
    elif _has_numbers(part):
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, float | int) and not isinstance(value, bool):
                if value > 0 and _is_free(part, field.name):
                    yield field.name, float(value)
            else:
                yield from _numbers(value)


def _changed(part: Any, value_of: Callable[[FreeNumber], float | Positive]) -> Any:
    if isinstance(part, tuple):
        return tuple(_changed(one, value_of) for one in part)
    if not _has_numbers(part):
        return part
    # Not by `replace`: a number without a value passes no check of values.
    new = copy.copy(part)
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, float | int) and not isinstance(value, bool):
            if value > 0 and _is_free(part, field.name):
                one = value_of(FreeNumber(field.name, float(value)))
                object.__setattr__(new, field.name, one)
        else:
            object.__setattr__(new, field.name, _changed(value, value_of))
    return new


def _has_numbers(part: Any) -> bool:
    return isinstance(part, Network | AbstractLayer | AbstractInputs)


def _is_free(part: Any, name: str) -> bool:
    if name == "bandwidth":
        return isinstance(part, FourierFeatures) and part.seed is None
    return name in ("weight_std", "bias_std")
