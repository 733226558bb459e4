"""Arithmetic whose values and gradients are right at zero and at a bound."""

from hyperlimit.numerics._bounds import clipped, saturation
from hyperlimit.numerics._positive import Positive
from hyperlimit.numerics._zero import safe_hypot, safe_ratio, safe_sqrt

__all__ = ["Positive", "clipped", "safe_hypot", "safe_ratio", "safe_sqrt", "saturation"]
