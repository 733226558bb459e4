"""Heads: from features of x to generated arrays, one file a head."""

from hyperlimit.finite.heads._base import AbstractHead, AbstractHeadModule, Features
from hyperlimit.finite.heads._chunked import Chunked, ChunkedHead
from hyperlimit.finite.heads._full import Full, FullHead
from hyperlimit.finite.heads._low_rank import LowRank, LowRankHead
from hyperlimit.finite.heads._per_layer import PerLayer, PerLayerHead
from hyperlimit.finite.heads._registry import HEADS, head

__all__ = [
    "HEADS",
    "AbstractHead",
    "AbstractHeadModule",
    "Chunked",
    "ChunkedHead",
    "Features",
    "Full",
    "FullHead",
    "LowRank",
    "LowRankHead",
    "PerLayer",
    "PerLayerHead",
    "head",
]
