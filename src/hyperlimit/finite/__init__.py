"""Descriptions read as networks of finite width."""

from hyperlimit.finite import heads
from hyperlimit.finite._hypernetwork import FiniteHypernetwork
from hyperlimit.finite._init import init
from hyperlimit.finite._network import FiniteNetwork
from hyperlimit.finite._unshaped import UnshapedHypernetwork, UnshapedPrimary
from hyperlimit.finite.modules import ModuleHypernetwork, TaskEmbedding, hypernetize

__all__ = [
    "FiniteHypernetwork",
    "FiniteNetwork",
    "ModuleHypernetwork",
    "TaskEmbedding",
    "UnshapedHypernetwork",
    "UnshapedPrimary",
    "heads",
    "hypernetize",
    "init",
]
