"""A kernel and data in, predictions with error bars out."""

from hyperlimit.regression._grid import GridRegression
from hyperlimit.regression._grid_problem import DENSE_VALUES
from hyperlimit.regression._noise import (
    check_inputs_finite,
    check_settings,
    checked_targets,
)
from hyperlimit.regression._regress import Regression, regress
from hyperlimit.regression._regress_grid import regress_grid, restored_grid_regression
from hyperlimit.regression._unit_rows import unit_rows

__all__ = [
    "DENSE_VALUES",
    "GridRegression",
    "Regression",
    "check_inputs_finite",
    "check_settings",
    "checked_targets",
    "regress",
    "regress_grid",
    "restored_grid_regression",
    "unit_rows",
]
