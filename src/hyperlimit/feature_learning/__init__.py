"""Infinite-width limits that learn features."""

from hyperlimit.feature_learning._finite_pi_network import FinitePiNetwork, Values
from hyperlimit.feature_learning._pi_limit import PiLimit, pi_limit
from hyperlimit.feature_learning._pi_network import PiNetwork

__all__ = ["FinitePiNetwork", "PiLimit", "PiNetwork", "Values", "pi_limit"]
