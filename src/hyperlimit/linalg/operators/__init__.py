"""Matrices that are known by their products: one algebra, a file a kind."""

from hyperlimit.linalg.operators._base import AbstractOperator
from hyperlimit.linalg.operators._dense import Dense
from hyperlimit.linalg.operators._kronecker_sum import KroneckerSum
from hyperlimit.linalg.operators._scaled import Scaled
from hyperlimit.linalg.operators._selected import Selected
from hyperlimit.linalg.operators._shifted import Shifted
from hyperlimit.linalg.operators._sources import AbstractSource, ChosenSource
from hyperlimit.linalg.operators._streamed_terms import StreamedTerms
from hyperlimit.linalg.operators._terms import AbstractTerms, KeptTerms
from hyperlimit.linalg.operators._tiled import KernelMatrix

__all__ = [
    "AbstractOperator",
    "AbstractSource",
    "AbstractTerms",
    "ChosenSource",
    "Dense",
    "KeptTerms",
    "KernelMatrix",
    "KroneckerSum",
    "Scaled",
    "Selected",
    "Shifted",
    "StreamedTerms",
]
