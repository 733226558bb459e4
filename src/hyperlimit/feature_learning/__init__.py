"""Infinite-width limits that learn features, and learning to learn with them."""

from hyperlimit.feature_learning._adapted import Loss, adapted
from hyperlimit.feature_learning._adapted_linear import AdaptedLinearNetwork
from hyperlimit.feature_learning._equivariance import check_equivariant
from hyperlimit.feature_learning._finite_pi_network import FinitePiNetwork, Values
from hyperlimit.feature_learning._hypernetwork_limit import (
    HypernetworkFeatureLimit,
    hypernetwork_limit,
)
from hyperlimit.feature_learning._linear_limit import linear_limit
from hyperlimit.feature_learning._linear_network import LinearNetwork
from hyperlimit.feature_learning._maml import Tasks, maml_loss
from hyperlimit.feature_learning._pi_limit import PiLimit, pi_limit
from hyperlimit.feature_learning._pi_network import PiNetwork

__all__ = [
    "AdaptedLinearNetwork",
    "FinitePiNetwork",
    "HypernetworkFeatureLimit",
    "LinearNetwork",
    "Loss",
    "PiLimit",
    "PiNetwork",
    "Tasks",
    "Values",
    "adapted",
    "check_equivariant",
    "hypernetwork_limit",
    "linear_limit",
    "maml_loss",
    "pi_limit",
]
