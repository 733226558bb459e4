"""The hypernetwork that flat settings describe."""

import functools
from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from jaxtyping import Array

from hyperlimit.activations import AbstractActivation
from hyperlimit.errors import InputError
from hyperlimit.layers import FourierFeatures
from hyperlimit.limits import DualLimit, dual_limit
from hyperlimit.networks import Hypernetwork, mlp

Activation = str | AbstractActivation | Callable[[Array], Array]
# Searches hand over NumPy's numbers.
Whole = int | np.integer
Number = float | np.floating | Whole
# Kernels do not read widths.
_WIDTH = 1


def described_limit(
    meta_depth: Whole,
    primary_depth: Whole,
    activation: Activation,
    weight_std: Number,
    bias_std: Number,
    bandwidth: Number | None,
) -> DualLimit:
    """The infinitely wide hypernetwork of two multilayer perceptrons.

    Raises:
        InputError: for depths that are not whole, scales that are not numbers, or what
            `mlp` and `FourierFeatures` refuse.
    """
    for name, depth in (("meta_depth", meta_depth), ("primary_depth", primary_depth)):
        if not isinstance(depth, Integral) or depth < 1:
            raise InputError(
                f"{name}={depth!r} counts weight layers: give a whole number from 1."
            )
    scales = {"weight_std": weight_std, "bias_std": bias_std}
    if bandwidth is not None:
        scales["bandwidth"] = bandwidth
    for name, scale in scales.items():
        if not isinstance(scale, Real):
            raise InputError(f"{name}={scale!r} is not a number: give one such as 1.0.")
    # Plain numbers, so that equal settings share what is compiled.
    shared = functools.partial(
        mlp,
        width=_WIDTH,
        activation=activation,
        weight_std=float(weight_std),
        bias_std=float(bias_std),
    )
    inputs = None if bandwidth is None else FourierFeatures(bandwidth=float(bandwidth))
    return dual_limit(
        Hypernetwork(
            meta=shared(depth=int(meta_depth)),
            primary=shared(depth=int(primary_depth), out=1, inputs=inputs),
        )
    )
