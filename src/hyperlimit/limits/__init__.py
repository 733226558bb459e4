"""Descriptions read as kernels of infinitely wide networks."""

from hyperlimit.limits._base import AbstractLimit, Kernels
from hyperlimit.limits._dual_limit import DualLimit, NetworkLimit, dual_limit

__all__ = ["AbstractLimit", "DualLimit", "Kernels", "NetworkLimit", "dual_limit"]
