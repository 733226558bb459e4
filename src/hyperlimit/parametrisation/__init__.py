"""Parametrisations: how the scale of a weight is shared out, as a table of numbers."""

from hyperlimit.parametrisation._parameter import Parameter
from hyperlimit.parametrisation._table import (
    PARAMETRISATIONS,
    Parametrisation,
    parametrisation,
)

__all__ = ["PARAMETRISATIONS", "Parameter", "Parametrisation", "parametrisation"]
