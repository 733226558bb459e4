"""Training of an infinitely wide network in closed form."""

import math
from typing import Literal, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.dynamics._schedule import Flow, Schedule
from hyperlimit.limits import AbstractLimit
from hyperlimit.linalg import jittered_cholesky
from hyperlimit.numerics import clipped
from hyperlimit.regression import check_inputs_finite, check_settings, checked_targets

END = Flow()
# Times from e^-60 to e^60 are told apart from zero and infinity.
_LONGEST = 60.0


@final
class TrainingDynamics(eqx.Module):
    r"""An ensemble of infinitely wide networks in training, at any time.

    Each member starts at $h_0 \sim GP(0, K)$ and descends

    $$L = \frac{1}{2n} \sum_i |h(u_i) - y_i|^2 + \frac{\lambda}{2n} |w - w_0|^2,$$

    so that on the training inputs $\dot h = -\frac1n \Theta (h - y)$ for
    $\lambda = 0$. With $\Theta = V \mathrm{diag}(\theta) V^T$, rates
    $\rho = (\theta + \lambda) / n$ and $a(\rho) = (1 - e^{-\rho t}) / \rho$ for
    gradient flow, $(1 - (1 - \eta\rho)^k) / \rho$ for k steps of gradient descent,

    $$h_t(u) = h_0(u) - \Theta(u, U)\,\Phi_t\,(h_0(U) - y),\qquad
      \Phi_t = \tfrac1n V \mathrm{diag}(a(\rho)) V^T,$$

    a Gaussian process whose mean and covariance the methods give. For
    `kind="nngp"`, $\Theta$ is $K$: the ensemble in which only a last layer is trained.
    At the end it is the exact Bayesian posterior, for $\lambda > 0$ if every member
    regresses on targets of its own with noise of variance $\lambda$
    (`noisy_targets`).

    Attributes:
        prior: $K$ on the training inputs.
        spectrum: $\theta$, ascending; what is below rounding is zero.
        modes: $V$.
        noise: $\lambda$.

    References:
        Lee, Xiao et al., *Wide Neural Networks of Any Depth Evolve as Linear Models
        Under Gradient Descent*, NeurIPS 2019, section 2.
    """

    limit: AbstractLimit = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    inputs: PyTree
    targets: Float[Array, "n k"]
    prior: Float[Array, "n n"]
    spectrum: Float[Array, " n"]
    modes: Float[Array, "n n"]
    noise: float
    noisy_targets: bool = eqx.field(static=True)
    flat: bool = eqx.field(static=True)

    @property
    def rates(self) -> Float[Array, " n"]:
        r"""$\rho$, ascending, (n,): one over the time that each mode takes."""
        return (self.spectrum + self.noise) / len(self.spectrum)

    @property
    def largest_learning_rate(self) -> float:
        """Gradient descent diverges from here on: two over the largest rate."""
        largest = float(self.rates[-1])
        return 2 / largest if largest > 0 else math.inf

    def mean(
        self, inputs: PyTree, at: Schedule = END
    ) -> Float[Array, " m"] | Float[Array, "m k"]:
        """The mean over the ensemble, (m,) or (m, k) as the targets were.

        Args:
            inputs: new inputs, m of them; the training inputs are allowed.
            at: `Flow(time)` or `Descent(steps, learning_rate)`; the end by default.

        Cost O(m n) kernel entries and O(m n k) flops.
        """
        cross = getattr(self.limit, self.kind)(inputs, self.inputs)
        mean = cross @ self._learned(at, self.targets)
        return mean[:, 0] if self.flat else mean

    def covariance(self, inputs: PyTree, at: Schedule = END) -> Float[Array, "m m"]:
        """The covariance of the outputs over the ensemble, the same for each output.

        A sum of two matrices that are positive semidefinite but for rounding. Cost
        O(m n^2 + m^2 n).
        """
        kept, moved = self._halves(inputs, at)
        own = self.limit.nngp(inputs)
        return own - kept.T @ kept + moved.T @ moved

    def variance(self, inputs: PyTree, at: Schedule = END) -> Float[Array, " m"]:
        """The diagonal of `covariance`, never negative. Cost O(m n^2)."""
        kept, moved = self._halves(inputs, at)
        own = self.limit.nngp_diagonal(inputs) - jnp.sum(kept**2, axis=0)
        return clipped(own, low=0) + jnp.sum(moved**2, axis=0)

    def loss(self, at: Schedule = END) -> float:
        r"""The expected loss over initial networks, without the penalty.

        $\frac{1}{2n} \sum_i E|h_t(u_i) - y_i|^2$, summed over outputs; the noise of
        `noisy_targets` is not counted. Cost O(n^2 (n + k)).
        """
        return float(self._residual_factors(at) ** 2 @ self._energies)

    def time_to(self, loss: float) -> float:
        """The time of gradient flow at which the expected loss has fallen to `loss`.

        Infinite if it never does. Cost O(n^2 (n + k)), once.
        """
        energies = self._energies

        def reached(log_time: float) -> bool:
            left = self._residual_factors(Flow(math.exp(log_time)))
            return float(left**2 @ energies) <= loss

        if loss >= float(jnp.sum(energies)):
            return 0.0
        low, high = -_LONGEST, _LONGEST
        if not loss > 0 or not reached(high):
            return math.inf
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return math.exp(high)

    @property
    def _energies(self) -> Float[Array, " n"]:
        """What each mode adds to the expected loss at the start."""
        count, outputs = self.targets.shape
        bias = jnp.sum((self.modes.T @ self.targets) ** 2, axis=1)
        prior = jnp.sum(self.modes * (self.prior @ self.modes), axis=0)
        return (bias + outputs * prior) / (2 * count)

    def _residual_factors(self, at: Schedule) -> Float[Array, " n"]:
        """What multiplies each mode of h_0(U) - y on the training inputs."""
        if self.noise == 0:
            return at.left(self.rates)
        return 1 - self.spectrum * at.learned(self.rates) / len(self.rates)

    def _learned(self, at: Schedule, values: Float[Array, "n k"]) -> Array:
        """Phi_t applied to columns."""
        factors = at.learned(self.rates) / len(self.rates)
        return self.modes @ (factors[:, None] * (self.modes.T @ values))

    def _halves(self, inputs: PyTree, at: Schedule) -> tuple[Array, Array]:
        r"""$A = L^{-1} K(U, u)$ and $B$, with covariance $K - A^T A + B^T B$.

        For $K(U, U) = L L^T$, $B = A - L^T \Phi_t \Theta(U, u)$, and below it the
        noise of the targets, $\sqrt\lambda\, \Phi_t \Theta(U, u)$.
        """
        factor = jittered_cholesky(self.prior)
        nngp = self.limit.nngp(inputs, self.inputs).T
        cross = nngp if self.kind == "nngp" else self.limit.ntk(inputs, self.inputs).T
        learned = self._learned(at, cross)
        kept = jax.scipy.linalg.solve_triangular(factor, nngp, lower=True)
        moved = kept - factor.T @ learned
        if self.noisy_targets and self.noise > 0:
            moved = jnp.concatenate([moved, math.sqrt(self.noise) * learned])
        return kept, moved


def training_dynamics(
    limit: AbstractLimit,
    inputs: PyTree,
    targets: ArrayLike,
    *,
    ridge: float = 0.0,
    kind: Literal["ntk", "nngp"] = "ntk",
    noisy_targets: bool = False,
) -> TrainingDynamics:
    r"""Training of an infinitely wide network on up to some thousand examples.

    Args:
        limit: from `dual_limit`.
        inputs: what the limit reads: pairs (x, z) for a hypernetwork, x (n, d) for a
            plain network.
        targets: (n,) or (n, k).
        ridge: the penalty $\lambda$ in units of the mean of the kernel's diagonal.
        kind: "ntk", or "nngp" for the training of a last layer.
        noisy_targets: whether each member of the ensemble sees targets with noise of
            variance $\lambda$ of its own.

    Cost: one eigendecomposition, some $10 n^3$ flops, and three n x n matrices.
    Duplicates are allowed: what the kernel cannot tell apart is never learned apart.

    Raises:
        InputError: for numbers that are not finite or targets of another length.

    Examples:
        >>> import jax.numpy as jnp, hyperlimit as hl
        >>> limit = hl.dual_limit(hl.mlp(depth=2, width=8, bias_std=1.0, out=1))
        >>> x = jnp.array([[-1.0], [0.0], [1.0]])
        >>> training = hl.training_dynamics(limit, x, jnp.array([1.0, 0.0, 1.0]))
        >>> print(training.mean(x).round(3))
        [1. 0. 1.]
        >>> print(training.mean(x, hl.Flow(time=0.0)))
        [0. 0. 0.]
    """
    check_settings(kind, ridge, 1.0)
    check_inputs_finite(inputs)
    if kind == "ntk":
        prior, kernel = limit.kernels(inputs)
    else:
        prior = kernel = limit.nngp(inputs)
    values, flat = checked_targets(targets, len(kernel), kernel.dtype)
    spectrum, modes = jnp.linalg.eigh(kernel)
    rounding = len(kernel) * float(jnp.finfo(kernel.dtype).eps)
    spectrum = jnp.where(spectrum > rounding * spectrum[-1], spectrum, 0)
    return TrainingDynamics(
        limit=limit,
        kind=kind,
        inputs=inputs,
        targets=values,
        prior=prior,
        spectrum=spectrum,
        modes=modes,
        noise=ridge * float(jnp.mean(jnp.diag(kernel))),
        noisy_targets=noisy_targets,
        flat=flat,
    )
