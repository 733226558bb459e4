"""The posterior of the infinitely wide hypernetwork, for scikit-learn."""

from typing import Literal, final

import numpy as np
from jaxtyping import Float
from sklearn.utils import check_random_state

from hyperlimit.errors import InputError
from hyperlimit.estimators._base import AbstractHyperkernel, Table
from hyperlimit.estimators._columns import Columns
from hyperlimit.estimators._dense_fit import DenseFit
from hyperlimit.estimators._description import Activation, Number, Whole

RandomState = np.random.RandomState | np.random.Generator | int | np.integer | None


@final
class HyperkernelGP(AbstractHyperkernel):
    r"""A Gaussian process over functions $y = h(x, z)$: a hypernetwork's limit.

    With the kernel K of $h(x, z) = g(z; f(x))$, f and g infinitely wide, $\lambda$
    the ridge times the mean of its diagonal and s the amplitude, targets have the
    covariance $s (K + \lambda I)$, and new values

    $$\mu(u) = K(u, U)(K + \lambda I)^{-1} y,\qquad
      \mathrm{cov}(u, v) =
        s\,[K(u, v) - K(u, U)(K + \lambda I)^{-1} K(U, v)],$$

    without noise. With `kind="nngp"` this is the exact posterior of the infinitely
    wide hypernetwork as a Bayesian prior.

    Tables, columns, precision and solvers are those of `HyperkernelRegressor`.
    Covariances, samples and the marginal likelihood need a dense solve.

    Args:
        meta_columns: the columns of X that are x, as `HyperkernelRegressor` has them.
        meta_depth: the weight layers of f.
        primary_depth: those of g.
        activation: of both.
        weight_std: the scale of the weights of both.
        bias_std: the scale of their biases.
        bandwidth: of Fourier features of z, in the units of z; None: z as it is.
        kind: "nngp" or "ntk".
        ridge: the noise variance in units of the mean prior variance.
        amplitude: s, in units of the variance of the targets if these are normalised;
            "ml": the most likely one, or 1 for targets that are all zero.
        normalize_y: whether targets are centred and scaled to unit variance first.
        solver: "auto", "dense", "grid" or "iterative".
        tolerance: on the relative residual of a solve that is not dense.
        exact_std: whether deviations after such a solve are solved for, a system
            for each, or those of `GridRegression.variance(exact=False)`: given a
            few thousand values, and so never too small. Dense ones are exact.

    Attributes:
        amplitude_: s.
        log_marginal_likelihood_value_: of the targets as they were normalised, summed
            over outputs; NaN after a solve on a grid.
        limit_, solver_, meta_columns_, coordinate_columns_, n_features_in_,
            feature_names_in_: as `HyperkernelRegressor` has them.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020; Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006,
        algorithm 2.1.

    Examples:
        >>> import numpy as np
        >>> from hyperlimit.estimators import HyperkernelGP
        >>> x, z = np.meshgrid([0.5, 1.0, 1.5], np.linspace(-1, 1, 9))
        >>> X = np.stack([x.ravel(), z.ravel()], axis=1)
        >>> y = X[:, 0] * np.sin(2 * X[:, 1])
        >>> model = HyperkernelGP(meta_columns=[0], ridge=1e-4).fit(X, y)
        >>> mean, std = model.predict([[1.2, 0.5], [1.2, 4.0]], return_std=True)
        >>> print(mean[:1].round(1), std[0] < 0.1 < std[1])
        [1.] True
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
        kind: Literal["nngp", "ntk"] = "nngp",
        ridge: Number = 1e-3,
        amplitude: Number | Literal["ml"] = "ml",
        normalize_y: bool = True,
        solver: Literal["auto", "dense", "grid"] = "auto",
        tolerance: float = 1e-4,
        exact_std: bool = True,
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
        self.amplitude = amplitude
        self.normalize_y = normalize_y
        self.solver = solver
        self.tolerance = tolerance
        self.exact_std = exact_std

    def fit(self, X: Table, y: Table) -> "HyperkernelGP":
        """Fits the kernel regression, and takes its marginal likelihood.

        Args:
            X: the pairs, (n, d), in float32 or float64.
            y: targets, (n,) or (n, k).

        Cost O(n^3) and two n x n matrices of a dense solve; that of `regress_grid` of
        one on a grid.

        Raises:
            InputError: for settings out of range, or a Gram matrix that is singular.
        """
        self._solve(X, y, self.amplitude)
        self.amplitude_ = self._fit.amplitude
        self.log_marginal_likelihood_value_ = (
            self._fit.log_marginal_likelihood
            if isinstance(self._fit, DenseFit)
            else float("nan")
        )
        return self

    def predict(
        self, X: Table, return_std: bool = False, return_cov: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """The mean, and beside it the deviations or the covariance if asked for.

        Args:
            X: pairs, (m, d).
            return_std: also standard deviations, (m,) or (m, k).
            return_cov: also covariances, (m, m) or (m, m, k).

        Returns the mean, (m,) or (m, k) as the targets were. Cost O(m n^2) with
        deviations, O(m n^2 + m^2 n) with covariances.

        Raises:
            InputError: if both are asked for, or covariances after a solve on a grid.
        """
        if return_std and return_cov:
            raise InputError(
                "return_std=True and return_cov=True were both given: ask for one, "
                "deviations being the roots of the covariance's diagonal."
            )
        pairs = self._read(X)
        mean = self._mean(pairs)
        if return_cov:
            covariance = self._dense("return_cov").covariance(pairs)
            return mean, self._units.variance_from(covariance)
        if return_std:
            deviation = np.sqrt(self._fit.variance(pairs, self.exact_std))
            return mean, self._units.spread_from(deviation)
        return mean

    def sample_y(
        self, X: Table, n_samples: int = 1, random_state: RandomState = 0
    ) -> Float[np.ndarray, "m s"] | Float[np.ndarray, "m k s"]:
        """Functions drawn from the posterior, without noise.

        Args:
            X: pairs, (m, d).
            n_samples: how many, s.
            random_state: a seed or a generator, as scikit-learn takes it.

        Returns (m, s), or (m, k, s) if the targets were (n, k). Cost O(m^3) besides
        the covariance.

        Raises:
            InputError: after a solve on a grid.
        """
        pairs = self._read(X)
        covariance = self._dense("sample_y").covariance(pairs)
        sizes, modes = np.linalg.eigh(covariance)
        root = modes * np.sqrt(np.where(sizes > 0, sizes, 0))
        outputs = len(self._units.scale)
        draws = check_random_state(random_state).standard_normal(
            (n_samples, outputs, len(root))
        )
        # (s, k, m), so that units are the last axis once it is turned.
        functions = (draws.astype(root.dtype) @ root.T).transpose(2, 0, 1)
        spread = self._units._replace(flat=False)
        mean = spread.mean_from(self._fit.mean(pairs))
        drawn = (mean[:, None] + functions * spread.scale).transpose(0, 2, 1)
        return drawn[:, 0] if self._units.flat else drawn

    def _dense(self, asked: str) -> DenseFit:
        if isinstance(self._fit, DenseFit):
            return self._fit
        rows = len(self._fit.regression.values)
        raise InputError(
            f"{asked} was asked of a fit of {rows} rows by solver={self.solver_!r}, "
            "which keeps no dense factor: fit with solver='dense'."
        )
