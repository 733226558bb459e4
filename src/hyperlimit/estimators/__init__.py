"""Estimators for scikit-learn: rows of a table in, functions out.

They need scikit-learn, an extra: pip install 'hyperlimit[sklearn]'.
"""

try:
    import sklearn  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "hyperlimit.estimators needs scikit-learn, which is not installed: run "
        "pip install 'hyperlimit[sklearn]'.",
        name="sklearn",
    ) from error

from hyperlimit.estimators._gaussian_process import HyperkernelGP
from hyperlimit.estimators._regressor import HyperkernelRegressor

__all__ = ["HyperkernelGP", "HyperkernelRegressor"]
