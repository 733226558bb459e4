"""What a generated array is to its layer: role, fans and gain."""

import math
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
from jaxtyping import Array, PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite.modules._leaves import can_be_generated, owner
from hyperlimit.parametrisation import GeneratedParameter
from hyperlimit.serialisation import array_name

Gain = float | int | Mapping[str, float | int] | None
Fans = Callable[[PyTree, tuple[int, ...]], tuple[int, int]]

# Arrays of these act around their own values, whatever their shape.
NORMALISATIONS = (eqx.nn.LayerNorm, eqx.nn.GroupNorm, eqx.nn.RMSNorm)


def _convolution(layer: PyTree, shape: tuple[int, ...]) -> tuple[int, int]:
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window // layer.groups


def _transposed(layer: PyTree, shape: tuple[int, ...]) -> tuple[int, int]:
    fan_in, fan_out = _convolution(layer, shape)
    return max(fan_in // math.prod(layer.stride), 1), fan_out


# Fan-in and fan-out of a weight by the layer that holds it; (out, in, ...) elsewhere.
FANS: tuple[tuple[type, Fans], ...] = (
    (eqx.nn.ConvTranspose, _transposed),
    (eqx.nn.Conv, _convolution),
    (eqx.nn.Embedding, lambda _, shape: (1, shape[1])),
)


def generated_parameters(
    module: PyTree, names: tuple[str, ...], gain: Gain
) -> tuple[GeneratedParameter, ...]:
    """The chosen arrays of a module as an initialisation sees them."""
    arrays = {
        array_name(path): (leaf, *owner(module, path))
        for path, leaf in jax.tree_util.tree_leaves_with_path(module)
        if can_be_generated(leaf)
    }
    layers, weights = {}, {}
    for name, (leaf, layer, layer_name, field) in arrays.items():
        if _is_weight(leaf, layer, field):
            layers.setdefault(layer_name, _fans(layer, leaf.shape))
            weights[name] = _fans(layer, leaf.shape)
    last = arrays[list(weights)[-1]][2] if weights else None
    _check_gain(gain, tuple(arrays))
    biased = {
        arrays[name][2]
        for name in names
        if arrays[name][2] in layers and name not in weights
    }

    def read(name: str) -> GeneratedParameter:
        leaf, _, layer, _ = arrays[name]
        role = "weight" if name in weights else "bias" if layer in layers else "scale"
        fan_in, fan_out = weights.get(name, layers.get(layer, (1, 1)))
        return GeneratedParameter(
            name=name,
            shape=leaf.shape,
            role=role,
            fan_in=fan_in,
            fan_out=fan_out,
            gain=_gain(gain, name, 1.0 if layer == last else 2.0),
            biased=layer in biased,
            dtype=str(leaf.dtype),
        )

    return tuple(read(name) for name in names)


def _is_weight(leaf: Array, layer: PyTree, field: str) -> bool:
    if isinstance(layer, NORMALISATIONS):
        return False
    return leaf.ndim >= 2 and not field.startswith("bias")


def _fans(layer: PyTree, shape: tuple[int, ...]) -> tuple[int, int]:
    for kind, fans in FANS:
        if isinstance(layer, kind):
            return fans(layer, shape)
    return math.prod(shape[1:]), shape[0] * math.prod(shape[2:])


def _gain(given: Gain, name: str, default: float) -> float:
    if given is None:
        return default
    if not isinstance(given, Mapping):
        return float(given)
    found = [prefix for prefix in given if _starts(name, prefix)]
    return float(given[max(found, key=len)]) if found else default


def _check_gain(given: Gain, names: tuple[str, ...]) -> None:
    gains = given if isinstance(given, Mapping) else {"": given}
    for prefix, number in gains.items():
        if not any(_starts(name, prefix) for name in names):
            raise InputError(
                f"gain names {prefix!r}, which is no array or part of the module: give "
                f"paths such as {names[0]!r}."
            )
        if number is not None and not 0 < number < float("inf"):
            raise InputError(
                f"gain={number} must be positive and finite: give 2 before a ReLU, 1 "
                "before nothing."
            )


def _starts(name: str, prefix: str) -> bool:
    rest = name.removeprefix(prefix)
    return name.startswith(prefix) and (not rest or not prefix or rest[0] in ".[")
