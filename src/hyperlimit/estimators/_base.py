"""What both estimators share: a table to pairs, pairs to a fit."""

from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hyperlimit.estimators._columns import Columns, split_columns
from hyperlimit.estimators._dense_fit import DenseFit
from hyperlimit.estimators._description import (
    Activation,
    Number,
    Whole,
    described_limit,
)
from hyperlimit.estimators._grid_fit import GridFit
from hyperlimit.estimators._pairs import Pairs
from hyperlimit.estimators._solver import fitted
from hyperlimit.estimators._targets import Units
from hyperlimit.limits import DualLimit

# Lists, arrays and data frames, which scikit-learn checks and converts.
Table = Any


class AbstractHyperkernel(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Regression on pairs (x, z) that are the rows of a table."""

    meta_columns: Columns
    meta_depth: Whole
    primary_depth: Whole
    activation: Activation
    weight_std: Number
    bias_std: Number
    bandwidth: Number | None
    kind: str
    ridge: Number
    normalize_y: bool
    solver: str
    tolerance: float

    limit_: DualLimit
    solver_: str
    n_features_in_: int
    _fit: DenseFit | GridFit
    _units: Units

    def _solve(self, X: Table, y: Table, amplitude: Number | str) -> None:
        """Checks a table, and solves it with this factor of every variance."""
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
        )
        y = np.asarray(y, X.dtype)
        names = getattr(self, "feature_names_in_", None)
        names = None if names is None else names.tolist()
        self.meta_columns_, self.coordinate_columns_ = split_columns(
            self.meta_columns, names, X.shape[1]
        )
        self.limit_ = described_limit(
            self.meta_depth,
            self.primary_depth,
            self.activation,
            self.weight_std,
            self.bias_std,
            self.bandwidth,
        )
        self._dtype = X.dtype
        self._units = Units.of(y, self.normalize_y)
        self._fit = fitted(
            self.limit_,
            self._pairs(X),
            self._units.into(y),
            solver=self.solver,
            tolerance=self.tolerance,
            kind=self.kind,
            ridge=_plain(self.ridge),
            amplitude=_plain(amplitude),
        )
        self.solver_ = "dense" if isinstance(self._fit, DenseFit) else self._fit.solver

    def _read(self, X: Table) -> Pairs:
        """The pairs of a new table."""
        check_is_fitted(self)
        kinds = [np.float64, np.float32]
        return self._pairs(validate_data(self, X, dtype=kinds, reset=False))

    def _pairs(self, X: Float[np.ndarray, "m d"]) -> Pairs:
        X = X.astype(self._dtype)
        # One function and no others: a meta-input that says nothing.
        nothing = np.ones((len(X), 1), self._dtype)
        x = X[:, self.meta_columns_] if len(self.meta_columns_) else nothing
        return x, X[:, self.coordinate_columns_]

    def _mean(self, pairs: Pairs) -> Float[np.ndarray, "m ..."]:
        return self._units.mean_from(self._fit.mean(pairs))


def _plain(given: Any) -> Any:
    """A number as Python's; anything else as it is, for its check to refuse."""
    return float(given) if isinstance(given, Real) else given
