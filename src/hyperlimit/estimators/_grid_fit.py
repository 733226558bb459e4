"""A regression on a grid, asked at pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

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
        *,
        ridge: float,
        kind: Literal["ntk", "nngp"],
        **settings: Any,
    ) -> "GridFit":
        """Fits targets at the pairs of a grid, none of them twice."""
        known = grid.known
        with double_allowed():
            x, z, values = on_device((grid.x, grid.z, grid.spread(targets)))
            found = regress_grid(
                limit, x, z, values, known=known, ridge=ridge, kind=kind, **settings
            )
            return cls(on_host(found))

    @classmethod
    def scattered(
        cls,
        limit: DualLimit,
        grid: PairGrid,
        targets: Float[np.ndarray, "m k"],
        *,
        ridge: float,
        kind: Literal["ntk", "nngp"],
        **settings: Any,
    ) -> "GridFit":
        """Fits targets at any pairs, every x having coordinates of its own.

        All m^2 entries are made anew in every iteration, and never held.
        """
        rows = [np.flatnonzero(grid.image == image) for image in range(len(grid.x))]
        with double_allowed():
            x = on_device(grid.x)
            z = [on_device(grid.z[grid.place[part]]) for part in rows]
            found = regress_grid(
                limit,
                x,
                z,
                [targets[part] for part in rows],
                ridge=ridge,
                kind=kind,
                solver="iterative",
                **settings,
            )
            return cls(on_host(found))

    @property
    def solver(self) -> str:
        """Its name."""
        return "iterative" if self.regression.problem.known is None else "grid"

    @property
    def amplitude(self) -> float:
        """The factor of every variance."""
        return self.regression.amplitude

    def mean(self, pairs: Pairs) -> Float[np.ndarray, "m k"]:
        """The predictive mean.

        For r terms of the kernel's expansion and a training grid of n x p, O(r p) a
        pair and O(r n p) a distinct meta-input.
        """
        return self._at(pairs, lambda fit, x, z: fit.mean(x, z))

    def variance(self, pairs: Pairs, exact: bool) -> Float[np.ndarray, " m"]:
        """The predictive variance without noise, as `GridRegression.variance`."""
        return self._at(
            pairs, lambda fit, x, z: fit.variance(x, z, exact=exact), tight=exact
        )[:, 0]

    def _at(
        self,
        pairs: Pairs,
        read: Callable[[GridRegression, Array, Array], Array],
        tight: bool = False,
    ) -> Float[np.ndarray, "m k"]:
        with double_allowed():
            fit = on_device(self.regression)

            def evaluate(
                x: Float[np.ndarray, "a dx"], z: Float[np.ndarray, "b dz"]
            ) -> Float[np.ndarray, "a b k"]:
                values = np.asarray(read(fit, jnp.asarray(x), jnp.asarray(z)))
                return values.reshape(*values.shape[:2], -1)

            return PairGrid.of(pairs).collect(evaluate, tight=tight)
