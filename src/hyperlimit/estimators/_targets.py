"""Targets in units of their own mean and spread."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Units(NamedTuple):
    """The zero and the unit of each of k targets.

    Attributes:
        centre: (k,).
        scale: (k,), positive.
        flat: whether targets are (n,) and not (n, k).
    """

    centre: Float[np.ndarray, " k"]
    scale: Float[np.ndarray, " k"]
    flat: bool

    @classmethod
    def of(cls, y: Float[np.ndarray, "n ..."], normalised: bool) -> "Units":
        """Mean and standard deviation, or 0 and 1; a constant has the unit 1."""
        columns = y.reshape(len(y), -1)
        if not normalised:
            width = columns.shape[1]
            return cls(np.zeros(width, y.dtype), np.ones(width, y.dtype), y.ndim == 1)
        # A constant's mean is the constant, whatever the rounding of a sum.
        still = columns.max(axis=0) == columns.min(axis=0)
        centre = np.where(still, columns[0], columns.mean(axis=0))
        scale = np.where(still, 1, columns.std(axis=0))
        return cls(centre.astype(y.dtype), scale.astype(y.dtype), y.ndim == 1)

    def into(self, y: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n k"]:
        """Targets in these units."""
        return (y.reshape(len(y), -1) - self.centre) / self.scale

    def mean_from(self, mean: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "m ..."]:
        """Predictions in the targets' own units."""
        own = mean * self.scale + self.centre
        return own[:, 0] if self.flat else own

    def spread_from(self, one: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """A deviation that all outputs share, in each output's own units."""
        return one * self.scale[0] if self.flat else one[..., None] * self.scale

    def variance_from(self, one: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """A variance or covariance that all outputs share, in each output's units."""
        squares = self._replace(scale=self.scale**2)
        return squares.spread_from(one)
