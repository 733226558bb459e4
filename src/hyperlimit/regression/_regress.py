"""Kernel regression by a dense Cholesky factor."""

import math
from typing import Literal, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.limits import AbstractLimit
from hyperlimit.linalg import ridged_cholesky
from hyperlimit.numerics import clipped
from hyperlimit.regression._noise import (
    check_inputs_finite,
    check_settings,
    checked_targets,
    fitted_amplitude,
)

# Test inputs are taken this many at a time, so that their cross-covariances with the
# training inputs never stand as one matrix.
_ROWS = 2048


@final
class Regression(eqx.Module):
    r"""Gaussian-process regression with a limit's kernel, fitted.

    With $K$ the Gram matrix and $\lambda$ the ridge times the mean of its diagonal,

    $$\mu(u) = k(u)^T (K + \lambda I)^{-1} y,\qquad
      \mathrm{var}(u) = s\,\left[k(u, u) - k(u)^T (K + \lambda I)^{-1} k(u)\right].$$

    For `kind="nngp"` this is the exact posterior of the infinitely wide network as a
    Bayesian prior. For `kind="ntk"` the mean is where gradient descent takes the
    average network, with the ridge as its regulariser; the variance is that of the
    Gaussian process whose covariance is the NTK.

    Attributes:
        noise: $\lambda$, the variance of the noise in units of the kernel.
        amplitude: $s$.
    """

    limit: AbstractLimit = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    inputs: PyTree
    weights: Float[Array, "n k"]
    factor: Float[Array, "n n"]
    noise: float
    amplitude: float
    flat: bool = eqx.field(static=True)

    def mean(self, inputs: PyTree) -> Float[Array, " m"] | Float[Array, "m k"]:
        """The predictive mean, (m,) or (m, k) as the targets were.

        Cost O(m n) kernel entries and O(m n k) flops.
        """
        parts = [cross @ self.weights for _, cross in self._crosses(inputs)]
        mean = jnp.concatenate(parts)
        return mean[:, 0] if self.flat else mean

    def variance(self, inputs: PyTree) -> Float[Array, " m"]:
        """The predictive variance of the function, without noise: (m,).

        Equal for every output. Never negative. Cost O(m n^2).
        """
        diagonal = getattr(self.limit, f"{self.kind}_diagonal")
        parts = []
        for rows, cross in self._crosses(inputs):
            half = jax.scipy.linalg.solve_triangular(self.factor, cross.T, lower=True)
            parts.append(diagonal(rows) - jnp.sum(half**2, axis=0))
        return self.amplitude * clipped(jnp.concatenate(parts), low=0)

    def covariance(self, inputs: PyTree) -> Float[Array, "m m"]:
        """The predictive covariance of the function, without noise: (m, m).

        Equal for every output; its diagonal is `variance`, but for rounding. Cost
        O(m n^2 + m^2 n), and m x n and m x m matrices.
        """
        gram = getattr(self.limit, self.kind)
        half = jax.scipy.linalg.solve_triangular(
            self.factor, gram(self.inputs, inputs), lower=True
        )
        return self.amplitude * (gram(inputs) - half.T @ half)

    @property
    def log_marginal_likelihood(self) -> float:
        r"""The log density of the targets, summed over k outputs.

        $\sum_j \log N(y_j;\, 0,\, s (K + \lambda I))$; infinite if every target is
        zero and s was fitted to that. Cost O(n^2 k).
        """
        if self.amplitude == 0:
            return math.inf
        count, outputs = self.weights.shape
        quadratic, determinant = map(
            float, _likelihood_terms(self.factor, self.weights)
        )
        volume = count * math.log(2 * math.pi * self.amplitude)
        fit = quadratic / self.amplitude
        return -(fit + outputs * (determinant + volume)) / 2

    def _crosses(self, inputs: PyTree):
        gram = getattr(self.limit, self.kind)
        count = len(jax.tree.leaves(inputs)[0])
        for start in range(0, max(count, 1), _ROWS):
            rows = jax.tree.map(lambda a, s=start: a[s : s + _ROWS], inputs)
            yield rows, gram(rows, self.inputs)


def regress(
    limit: AbstractLimit,
    inputs: PyTree,
    targets: ArrayLike,
    *,
    ridge: float = 1e-3,
    kind: Literal["ntk", "nngp"] = "ntk",
    amplitude: float | Literal["ml"] = 1.0,
) -> Regression:
    """Fits kernel regression on up to some ten thousand examples.

    Args:
        limit: from `dual_limit`.
        inputs: what the limit reads: pairs (x, z) for a hypernetwork, x (n, d) for a
            plain network.
        targets: (n,) or (n, k).
        ridge: the noise variance in units of the mean prior variance of the training
            inputs.
        kind: "ntk" or "nngp".
        amplitude: the factor s of every variance; "ml" takes the maximum likelihood
            one. Means do not depend on it.

    Cost O(n^3) time and two n x n matrices.

    Raises:
        InputError: for numbers that are not finite, targets of another length, or a
            Gram matrix that is singular in its precision.

    Examples:
        >>> import jax.numpy as jnp, hyperlimit as hl
        >>> limit = hl.dual_limit(hl.mlp(depth=2, width=8, bias_std=1.0, out=1))
        >>> x = jnp.array([[-1.0], [0.0], [1.0]])
        >>> fit = regress(limit, x, jnp.array([1.0, 0.0, 1.0]), ridge=1e-6)
        >>> print(fit.mean(x).round(3))
        [1. 0. 1.]
    """
    check_settings(kind, ridge, amplitude)
    check_inputs_finite(inputs)
    gram = getattr(limit, kind)(inputs)
    matrix, flat = checked_targets(targets, len(gram), gram.dtype)
    noise = ridge * float(jnp.mean(jnp.diag(gram)))
    factor = ridged_cholesky(gram, noise, f"{len(gram)} inputs")
    weights = jax.scipy.linalg.cho_solve((factor, True), matrix)
    scale = fitted_amplitude(amplitude, float(jnp.sum(matrix * weights)), matrix.size)
    return Regression(limit, kind, inputs, weights, factor, noise, scale, flat)


@jax.jit
def _likelihood_terms(
    factor: Float[Array, "n n"], weights: Float[Array, "n k"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""$y^T (K + \lambda I)^{-1} y$ over all outputs, and the log determinant."""
    # The targets are L L^T w.
    whitened = factor.T @ weights
    return jnp.sum(whitened**2), 2 * jnp.sum(jnp.log(jnp.diag(factor)))
