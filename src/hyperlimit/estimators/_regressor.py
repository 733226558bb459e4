"""The mean of the infinitely wide hypernetwork, for scikit-learn."""

from typing import Literal, final

import numpy as np
from jaxtyping import Float

from hyperlimit.estimators._base import AbstractHyperkernel, Table
from hyperlimit.estimators._columns import Columns
from hyperlimit.estimators._description import Activation, Number, Whole


@final
class HyperkernelRegressor(AbstractHyperkernel):
    r"""Regression of functions $y = h(x, z)$ by an infinitely wide hypernetwork.

    A row of X is a pair: a meta-input x, which says which function, and a coordinate
    z, at which it was seen. With the kernel K of $h(x, z) = g(z; f(x))$, and
    $\lambda$ the ridge times the mean of its diagonal, the prediction is

    $$\mu(u) = K(u, U)\,(K(U, U) + \lambda I)^{-1} y.$$

    Each function can be seen at points of its own; pairs may come more than once. x
    and z are read as they are: scale them in a pipeline. Computed in the precision of
    X, whatever JAX's default is.

    Up to 12,000 rows are solved by a dense factor, in O(n^3). Longer tables are
    grouped to their distinct x and distinct z, and go through `regress_grid` where
    they fill a tenth of that grid or more, no pair comes twice, and the grid's factors
    are smaller than the matrix; else they are solved by iteration too, with every entry
    of the matrix made anew in each of some tens of iterations, and none kept.

    Args:
        meta_columns: the columns of X that are x: places, names of a data frame, or a
            slice; the others are z. None: no column is, x is a constant 1, and there is
            one function of all columns: g is a plain network, scaled by f.
        meta_depth: the weight layers of f.
        primary_depth: those of g.
        activation: of both; a name, or what `mlp` takes.
        weight_std: the scale of the weights of both.
        bias_std: the scale of their biases.
        bandwidth: of Fourier features of z, in the units of z; None: z as it is.
        kind: "ntk", where gradient descent takes the average network, or "nngp", its
            posterior mean as a Bayesian prior.
        ridge: the noise variance in units of the mean prior variance.
        normalize_y: whether targets are centred and scaled to unit variance first.
        solver: "auto", "dense", "grid" or, for pairs off a grid, "iterative".
        tolerance: on the relative residual of a solve that is not dense.

    Attributes:
        limit_: the `DualLimit`.
        solver_: "dense", "grid" or "iterative".
        meta_columns_: places of the columns of x.
        coordinate_columns_: places of the columns of z.
        n_features_in_: the number of columns.
        feature_names_in_: their names, if they have any.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020.

    Examples:
        >>> import numpy as np
        >>> from hyperlimit.estimators import HyperkernelRegressor
        >>> x, z = np.meshgrid([0.5, 1.0, 1.5], np.linspace(-1, 1, 9))
        >>> X = np.stack([x.ravel(), z.ravel()], axis=1)
        >>> y = X[:, 0] * np.sin(2 * X[:, 1])
        >>> model = HyperkernelRegressor(meta_columns=[0], ridge=1e-4).fit(X, y)
        >>> model.predict([[1.2, 0.5]]).round(1), round(1.2 * np.sin(1.0), 1)
        (array([1.]), np.float64(1.0))
    """

    def __init__(
        self,
        meta_columns: Columns = None,
        *,
        meta_depth: Whole = 2,
        primary_depth: Whole = 3,
        activation: Activation = "relu",
        weight_std: Number = 1.0,
        bias_std: Number = 0.5,
        bandwidth: Number | None = None,
        kind: Literal["ntk", "nngp"] = "ntk",
        ridge: Number = 1e-3,
        normalize_y: bool = True,
        solver: Literal["auto", "dense", "grid"] = "auto",
        tolerance: float = 1e-4,
    ):
        self.meta_columns = meta_columns
        self.meta_depth = meta_depth
        self.primary_depth = primary_depth
        self.activation = activation
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.bandwidth = bandwidth
        self.kind = kind
        self.ridge = ridge
        self.normalize_y = normalize_y
        self.solver = solver
        self.tolerance = tolerance

    def fit(self, X: Table, y: Table) -> "HyperkernelRegressor":
        """Fits the kernel regression.

        Args:
            X: the pairs, (n, d), in float32 or float64.
            y: targets, (n,) or (n, k).

        Cost O(n^3) and two n x n matrices of a dense solve; that of `regress_grid` of
        one on a grid.

        Raises:
            InputError: for settings out of range, or a Gram matrix that is singular.
        """
        self._solve(X, y, 1.0)
        return self

    def predict(self, X: Table) -> Float[np.ndarray, " m"] | Float[np.ndarray, "m k"]:
        """The predictions, (m,) or (m, k) as the targets were.

        Cost O(m n) kernel entries after a dense solve; after one on a grid of n x p,
        O(r p) a row and O(r n p) a distinct x, r some ten.
        """
        return self._mean(self._read(X))
