"""Estimators for scikit-learn: rows of a table in, functions out."""

from hyperlimit.estimators._gaussian_process import HyperkernelGP
from hyperlimit.estimators._regressor import HyperkernelRegressor

__all__ = ["HyperkernelGP", "HyperkernelRegressor"]
