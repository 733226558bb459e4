"""Activations: a function and what it does to a pair of Gaussians, one file each.

`ACTIVATIONS` is the registry: one row each. Everything that is true of every
activation is tested on every row.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from hyperlimit.activations._abrelu import ABReLU
from hyperlimit.activations._abs import Abs
from hyperlimit.activations._arccosine import arccosine
from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._cos import Cos
from hyperlimit.activations._custom import Custom
from hyperlimit.activations._erf import Erf
from hyperlimit.activations._exp import Exp
from hyperlimit.activations._gaussian import Gaussian
from hyperlimit.activations._gaussian_rule import gaussian_rule
from hyperlimit.activations._gelu import GELU
from hyperlimit.activations._identity import Identity
from hyperlimit.activations._leaky_relu import LeakyReLU
from hyperlimit.activations._monomial import Monomial
from hyperlimit.activations._pair import GaussianPair, diagonal_pair
from hyperlimit.activations._piecewise_linear import AbstractPiecewiseLinear
from hyperlimit.activations._rectified_monomial import RectifiedMonomial
from hyperlimit.activations._relu import ReLU
from hyperlimit.activations._sin import Sin
from hyperlimit.activations._softplus import Softplus
from hyperlimit.activations._swish import Swish
from hyperlimit.activations._tanh import Tanh
from hyperlimit.errors import InputError

ACTIVATIONS: dict[str, AbstractActivation] = {
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "identity": Identity(),
    "erf": Erf(),
    "gelu": GELU(),
    "sin": Sin(),
    "cos": Cos(),
    "abs": Abs(),
    "abrelu": ABReLU(),
    "step": RectifiedMonomial(0),
    "squared_relu": RectifiedMonomial(2),
    "square": Monomial(2),
    "cube": Monomial(3),
    "exp": Exp(),
    "gaussian": Gaussian(),
    "tanh": Tanh(),
    "softplus": Softplus(),
    "swish": Swish(),
}


def activation(
    choice: str | AbstractActivation | Callable[[Array], Array],
) -> AbstractActivation:
    """Reads a user's choice: a registered name, an activation, or any function.

    Raises:
        InputError: for an unknown name or an object of another kind.

    Examples:
        >>> activation("relu")
        ReLU()
    """
    if isinstance(choice, AbstractActivation):
        return choice
    if isinstance(choice, str) and choice in ACTIVATIONS:
        return ACTIVATIONS[choice]
    if isinstance(choice, str) or not callable(choice):
        raise InputError(
            f"activation={choice!r} is not known: give one of "
            f"{', '.join(ACTIVATIONS)}, or any elementwise "
            "function, such as jnp.tanh."
        )
    if not _is_elementwise(choice):
        raise InputError(
            f"activation={choice!r} does not act on every number alone: give an "
            "elementwise function, such as jnp.tanh."
        )
    return Custom(choice)


def _is_elementwise(function: Callable[[Array], Array]) -> bool:
    with jax.ensure_compile_time_eval():
        points = jnp.array([-1.3, 0.2, 0.9, 2.1])
        together = jnp.asarray(function(points))
        if together.shape != points.shape:
            return False
        alone = jnp.concatenate([function(points[i : i + 1]) for i in range(4)])
        return bool(jnp.allclose(together, alone, rtol=1e-4, equal_nan=True))


__all__ = [
    "ACTIVATIONS",
    "GELU",
    "ABReLU",
    "Abs",
    "AbstractActivation",
    "AbstractPiecewiseLinear",
    "Cos",
    "Custom",
    "Erf",
    "Exp",
    "Gaussian",
    "GaussianPair",
    "Identity",
    "LeakyReLU",
    "Monomial",
    "ReLU",
    "RectifiedMonomial",
    "Sin",
    "Softplus",
    "Swish",
    "Tanh",
    "activation",
    "arccosine",
    "diagonal_pair",
    "gaussian_rule",
]
