"""Descriptions read as networks of finite width."""

from hyperlimit.finite._hypernetwork import FiniteHypernetwork
from hyperlimit.finite._init import init
from hyperlimit.finite._network import FiniteNetwork
from hyperlimit.finite._unshaped import UnshapedHypernetwork, UnshapedPrimary

__all__ = [
    "FiniteHypernetwork",
    "FiniteNetwork",
    "UnshapedHypernetwork",
    "UnshapedPrimary",
    "init",
]
