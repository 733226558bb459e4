"""A kernel and data in, predictions with error bars out."""

from hyperlimit.regression._grid import (
    GridRegression,
    regress_grid,
    restored_grid_regression,
    unit_rows,
)
from hyperlimit.regression._regress import Regression, regress

__all__ = [
    "GridRegression",
    "Regression",
    "regress",
    "regress_grid",
    "restored_grid_regression",
    "unit_rows",
]
