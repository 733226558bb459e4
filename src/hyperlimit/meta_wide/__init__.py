"""Hypernetworks whose meta-network is infinitely wide and whose primary is finite."""

from hyperlimit.meta_wide._certificates import Stationarity
from hyperlimit.meta_wide._limit import MetaWideLimit, meta_wide_limit
from hyperlimit.meta_wide._linear_rule import check_linear
from hyperlimit.meta_wide._network import MetaWideNetwork
from hyperlimit.meta_wide._objective import half_mean_square
from hyperlimit.meta_wide._primaries import Primaries
from hyperlimit.meta_wide._trainable import Trainable

__all__ = [
    "MetaWideLimit",
    "MetaWideNetwork",
    "Primaries",
    "Stationarity",
    "Trainable",
    "check_linear",
    "half_mean_square",
    "meta_wide_limit",
]
