"""What is measured on finite networks at birth."""

from hyperlimit.empirical._scaling_exponents import (
    ScalingExponents,
    Vary,
    scaling_exponents,
)
from hyperlimit.empirical._taylor_terms import taylor_terms

__all__ = ["ScalingExponents", "Vary", "scaling_exponents", "taylor_terms"]
