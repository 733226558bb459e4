"""Kernels of finite networks as they are."""

from hyperlimit.empirical._empirical_ntk import empirical_ntk, ntk_plan
from hyperlimit.empirical._plan import NTKPlan

__all__ = ["NTKPlan", "empirical_ntk", "ntk_plan"]
