"""Every registered activation, and functions of the user's, under the law suite."""

import jax
import jax.numpy as jnp
import pytest

from hyperlimit.activations import ACTIVATIONS, Custom
from laws.activation_laws import ActivationLaws, Case

CASES = (
    *(Case(name, activation) for name, activation in ACTIVATIONS.items()),
    # The poles of tanh slow its Hermite series: measured at deviation 2, where the
    # terms from the 64th on hold 1e-7 of the moment.
    Case("tanh", Custom(jnp.tanh), dual_slack=1e-6, slope_slack=1e-4),
    # What 64 terms leave of a rectifier's moments at deviation 2; test_custom.py
    # has the documented bound itself.
    Case("kinked", Custom(jax.nn.relu), dual_slack=1e-2, slope_slack=1e-1),
)


@pytest.fixture(params=CASES, ids=[case.name for case in CASES])
def case(request) -> Case:
    return request.param


class TestActivations(ActivationLaws):
    pass
