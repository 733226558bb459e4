"""A dense regression, kept in the precision of its table."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from hyperlimit.estimators._pairs import Pairs, padded
from hyperlimit.estimators._precision import double_allowed, on_device, on_host
from hyperlimit.limits import DualLimit
from hyperlimit.regression import Regression, regress


@final
@dataclass(frozen=True, eq=False)
class DenseFit:
    """What `regress` found, with NumPy's arrays in JAX's place."""

    regression: Regression

    @classmethod
    def of(
        cls,
        limit: DualLimit,
        pairs: Pairs,
        targets: Float[np.ndarray, "n k"],
        **settings: Any,
    ) -> "DenseFit":
        """Fits. Cost O(n^3) and two n x n matrices."""
        with double_allowed():
            pairs, targets = on_device((pairs, targets))
            return cls(on_host(regress(limit, pairs, targets, **settings)))

    @property
    def amplitude(self) -> float:
        """The factor of every variance."""
        return self.regression.amplitude

    @property
    def log_marginal_likelihood(self) -> float:
        """The log density of the targets, summed over outputs."""
        with double_allowed():
            return on_device(self.regression).log_marginal_likelihood

    def mean(self, pairs: Pairs) -> Float[np.ndarray, "m k"]:
        """The predictive mean."""
        return self._at(pairs, "mean")

    def variance(self, pairs: Pairs, exact: bool = True) -> Float[np.ndarray, " m"]:
        """The predictive variance without noise, which all outputs share."""
        del exact  # A factor gives nothing else.
        return self._at(pairs, "variance")

    def covariance(self, pairs: Pairs) -> Float[np.ndarray, "m m"]:
        """The predictive covariance without noise, which all outputs share."""
        return self._at(pairs, "covariance")[:, : len(pairs[0])]

    def _at(self, pairs: Pairs, what: str) -> Float[np.ndarray, "m ..."]:
        with double_allowed():
            fit, rows = on_device((self.regression, tuple(map(padded, pairs))))
            return np.asarray(getattr(fit, what)(rows))[: len(pairs[0])]
