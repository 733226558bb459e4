"""Every registered activation, and functions of the user's, under the law suite."""

import jax
import jax.numpy as jnp
import pytest

from hyperlimit.activations import (
    ACTIVATIONS,
    ABReLU,
    Cos,
    Custom,
    Exp,
    Gaussian,
    Monomial,
    RectifiedMonomial,
    Sin,
)
from laws.activation_laws import ActivationLaws, Case

CASES = (
    *(
        Case(name, activation, jump=float(name == "step"))
        for name, activation in ACTIVATIONS.items()
    ),
    Case("two slopes", ABReLU(-0.5, 2.0)),
    Case("higher frequency", Sin(2.5)),
    Case("lower frequency", Cos(-0.5)),
    Case("falling exponential", Exp(-0.75)),
    Case("wider bump", Gaussian(0.5**0.5)),
    *(Case(f"power {p}", Monomial(p)) for p in (1, 4, 5, 6)),
    *(Case(f"rectified power {p}", RectifiedMonomial(p)) for p in (1, 3, 4, 5, 6)),
    # The poles of tanh slow its Hermite series: measured at deviation 2, where the
    # terms from the 64th on hold 1e-7 of the moment.
    Case("tanh, 64 terms", Custom(jnp.tanh), dual_slack=1e-6, slope_slack=1e-4),
    # What 64 terms leave of a rectifier's moments at deviation 2; test_custom.py
    # has the documented bound itself.
    Case("kinked", Custom(jax.nn.relu), dual_slack=1e-2, slope_slack=1e-1),
)


@pytest.fixture(params=CASES, ids=[case.name for case in CASES])
def case(request) -> Case:
    return request.param


class TestActivations(ActivationLaws):
    pass
