"""Descriptions read as networks of finite width."""

from hyperlimit.finite import heads
from hyperlimit.finite._batching import over_inputs
from hyperlimit.finite._hypernetwork import FiniteHypernetwork
from hyperlimit.finite._init import init
from hyperlimit.finite._input_size import input_size
from hyperlimit.finite._network import FiniteNetwork, Values
from hyperlimit.finite._random_key import check_key
from hyperlimit.finite._unshaped import UnshapedHypernetwork, UnshapedPrimary
from hyperlimit.finite._written import draw_own, written_primary
from hyperlimit.finite.modules import ModuleHypernetwork, TaskEmbedding, hypernetize

__all__ = [
    "FiniteHypernetwork",
    "FiniteNetwork",
    "ModuleHypernetwork",
    "TaskEmbedding",
    "UnshapedHypernetwork",
    "UnshapedPrimary",
    "Values",
    "check_key",
    "draw_own",
    "heads",
    "hypernetize",
    "init",
    "input_size",
    "over_inputs",
    "written_primary",
]
