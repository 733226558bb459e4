"""A regression on a grid, asked at pairs."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from hyperlimit.estimators._pairs import PairGrid, Pairs
from hyperlimit.estimators._precision import double_allowed, on_device, on_host
from hyperlimit.limits import DualLimit
from hyperlimit.regression import GridRegression, regress_grid


@final
@dataclass(frozen=True, eq=False)
class GridFit:
    """What `regress_grid` found, with NumPy's arrays in JAX's place."""

    regression: GridRegression

    @classmethod
    def of(
        cls,
        limit: DualLimit,
        grid: PairGrid,
        targets: Float[np.ndarray, "m k"],
        **settings: Any,
    ) -> "GridFit":
        """Fits targets at the pairs of a grid, none of them twice."""
        with double_allowed():
            x, z, values = on_device((grid.x, grid.z, grid.spread(targets)))
            found = regress_grid(limit, x, z, values, known=grid.known, **settings)
            return cls(on_host(found))

    @property
    def amplitude(self) -> float:
        """The factor of every variance."""
        return self.regression.amplitude

    def mean(self, pairs: Pairs) -> Float[np.ndarray, "m k"]:
        """The predictive mean.

        For r terms of the kernel's expansion and a training grid of n x p, O(r p) a
        pair and O(r n p) a distinct meta-input.
        """
        return self._at(pairs, "mean")

    def variance(self, pairs: Pairs) -> Float[np.ndarray, " m"]:
        """The predictive variance without noise, as `GridRegression.variance`."""
        return self._at(pairs, "variance")[:, 0]

    def _at(self, pairs: Pairs, what: str) -> Float[np.ndarray, "m k"]:
        with double_allowed():
            method = getattr(on_device(self.regression), what)

            def evaluate(block: Pairs) -> Float[np.ndarray, "a b k"]:
                values = np.asarray(method(*on_device(block)))
                return values.reshape(*values.shape[:2], -1)

            return PairGrid.of(pairs).collect(evaluate)
