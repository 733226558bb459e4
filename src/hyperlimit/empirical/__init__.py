"""What is measured on finite networks: their kernels and Taylor terms."""

from hyperlimit.empirical._empirical_ntk import empirical_ntk, ntk_plan
from hyperlimit.empirical._log_slope import LogSlope, log_slope
from hyperlimit.empirical._plan import NTKPlan
from hyperlimit.empirical._reading import Parameters, Reading, parameters, read
from hyperlimit.empirical._scaling_exponents import (
    ScalingExponents,
    Vary,
    scaling_exponents,
)
from hyperlimit.empirical._taylor_terms import taylor_terms

__all__ = [
    "LogSlope",
    "NTKPlan",
    "Parameters",
    "Reading",
    "ScalingExponents",
    "Vary",
    "empirical_ntk",
    "log_slope",
    "ntk_plan",
    "parameters",
    "read",
    "scaling_exponents",
    "taylor_terms",
]
