"""What happens as networks widen, and learning rates that stay as they do."""

from hyperlimit.widths._abc import ABC, Rule, abc
from hyperlimit.widths._classify import classify
from hyperlimit.widths._classify_hypernetwork import HypernetworkClassification
from hyperlimit.widths._classify_network import Classification
from hyperlimit.widths._condition import Condition
from hyperlimit.widths._coordinate_check import (
    CoordinateCheck,
    WidthSlopes,
    coordinate_check,
)
from hyperlimit.widths._hypernetwork_abc import (
    HypernetworkABC,
    Scale,
    WrittenLayer,
    hypernetwork_abc,
)
from hyperlimit.widths._mup import MuP, scaled_by
from hyperlimit.widths._tensor_scale import TensorScale, tensor_scales

__all__ = [
    "ABC",
    "Classification",
    "Condition",
    "CoordinateCheck",
    "HypernetworkABC",
    "HypernetworkClassification",
    "MuP",
    "Rule",
    "Scale",
    "TensorScale",
    "WidthSlopes",
    "WrittenLayer",
    "abc",
    "classify",
    "coordinate_check",
    "hypernetwork_abc",
    "scaled_by",
    "tensor_scales",
]
