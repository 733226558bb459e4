"""A hypernetwork with an infinitely wide meta-network, on some x."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray, PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteNetwork, Values, check_key
from hyperlimit.layers import Size
from hyperlimit.limits import dual_limit
from hyperlimit.linalg import is_traced
from hyperlimit.meta_wide import _certificates
from hyperlimit.meta_wide._certificates import Stationarity
from hyperlimit.meta_wide._checks import check_count, check_finite
from hyperlimit.meta_wide._flow import checked_times, flowed
from hyperlimit.meta_wide._gaussian_process import elsewhere
from hyperlimit.meta_wide._linear_rule import check_linear
from hyperlimit.meta_wide._objective import Loss, Objective, half_mean_square
from hyperlimit.meta_wide._primaries import Primaries
from hyperlimit.meta_wide._trainable import Trainable
from hyperlimit.meta_wide._training import descended, one_step
from hyperlimit.networks import Hypernetwork


@final
class MetaWideNetwork(eqx.Module):
    r"""$h(x, z) = g(z; V(x))$ with $f$ infinitely wide and $g$ finite, on n given x.

    $$V(X) = V_0(X) + \Theta_f(X, X)\, A,\qquad V_0 \sim GP(0, K_f \otimes I).$$

    What is trained is `trainable`: the coefficients A, and what parameters the primary
    network has of its own. Put other initial weights, a finite network's say, in by
    `eqx.tree_at(lambda net: net.initial, net, weights)`.

    Attributes:
        x: (n, d_x), or images (n, height, width, channels).
        initial: $V_0$, (n, P).
        coefficients: $A$, (n, P); zero at the start.
        own: the primary network's own parameters, layer by layer.
        ntk: $\Theta_f$ on x, (n, n).
        fixed: the untrained random numbers of z's features, if there are any.
    """

    x: Float[Array, "n ..."]
    initial: Float[Array, "n P"]
    coefficients: Float[Array, "n P"]
    own: Values
    ntk: Float[Array, "n n"]
    fixed: Array | None
    spec: Hypernetwork = eqx.field(static=True)
    z_size: Size = eqx.field(static=True)

    @property
    def trainable(self) -> Trainable:
        """What an optimiser moves, and makes its state for."""
        return Trainable(self.coefficients, self.own)

    def with_trained(self, values: Trainable) -> "MetaWideNetwork":
        """The same network with other coefficients and own parameters."""
        return eqx.tree_at(
            lambda net: (net.coefficients, net.own),
            self,
            (values.coefficients, values.own),
        )

    def primaries(
        self, at: Trainable | None = None, rows: Int[Array, " b"] | None = None
    ) -> Primaries:
        """The primary networks of all x, or of some rows; O(b n P).

        Args:
            at: what is trained. None: as it is.
            rows: which x. None: all.
        """
        at = self.trainable if at is None else at
        initial, ntk = self.initial, self.ntk
        if rows is not None:
            initial, ntk = initial[rows], ntk[rows]
        weights = initial + ntk @ at.coefficients
        return Primaries(weights, at.own, self.fixed, self.spec, self.z_size)

    @property
    def weights(self) -> Float[Array, "n P"]:
        """$V(X)$: all generated weights, in NTK parametrisation."""
        return self.primaries().weights

    def primary(self, i: int) -> FiniteNetwork:
        """The primary network of x[i]: an ordinary module from z to y."""
        return self.primaries().primary(i)

    def batch(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        chunk: int | None = None,
    ) -> Float[Array, "n p k"]:
        """Every x with many z, (p, d_z) or (n, p, d_z); as Primaries.batch."""
        return self.primaries().batch(z, chunk)

    def at(
        self, x: Float[Array, "m ..."], *, key: PRNGKeyArray | Array | None
    ) -> Primaries:
        r"""The same trained network, read at other x.

        $V(x') = V_0(x') + \Theta_f(x', X) A$, where $V_0(x')$ is drawn from the process
        given $V_0(X)$. What is drawn for all m rows of one call is one draw, and two
        calls are two: ask together for what belongs together. A row that was trained
        on has its trained weights.

        Args:
            x: (m, d_x), or images (m, height, width, channels).
            key: for the draw. None: the conditional mean in its place, which is no
                member of the ensemble: far from all x its weights are zero.

        Cost O((n + m)^3 + (n + m)^2 P); without a key O(n^3 + n m (n + P)).

        Raises:
            InputError: for x of other columns, or a key that is none.
        """
        key = None if key is None else check_key(key)
        x = jnp.asarray(x, self.x.dtype)
        check_finite("x", x)
        limit = dual_limit(self.spec.meta)
        initial, ntk = elsewhere(limit, self.x, self.initial, x, key)
        weights = initial + ntk @ self.coefficients
        return Primaries(weights, self.own, self.fixed, self.spec, self.z_size)

    def step(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        y: ArrayLike,
        optimiser: optax.GradientTransformation,
        state: PyTree,
        *,
        rows: Int[Array, " b"] | None = None,
        loss: Loss = half_mean_square,
    ) -> tuple["MetaWideNetwork", PyTree, Float[Array, ""]]:
        """One step of descent, for loops of your own; wrap it in `eqx.filter_jit`.

        Args:
            z, y, loss: as for `train`.
            optimiser: not checked here; `train` refuses those that have no limit.
            state: `optimiser.init(net.trainable)` at first.
            rows: the x of a minibatch. None: all.

        Returns:
            The network after the step, the state after it, and the loss before it.

        Cost O(b n P) and b passes through the primary network forth and back, whatever
        the depth of the meta-network.
        """
        at, state, value = one_step(
            self._objective(z, y, loss), optimiser, self.trainable, state, rows
        )
        return self.with_trained(at), state, value

    def train(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        y: ArrayLike,
        *,
        optimiser: optax.GradientTransformation,
        steps: int,
        batch_size: int | None = None,
        key: PRNGKeyArray | Array | None = None,
        loss: Loss = half_mean_square,
    ) -> tuple["MetaWideNetwork", Float[Array, " steps"]]:
        """Descent by any rule that is linear in the gradients.

        Args:
            z: (p, d_z), the same for every x, or (n, p, d_z).
            y: the targets, (n, p, k), or whatever `loss` takes, n rows.
            optimiser: gradient descent, momentum, Nesterov's, their averages and
                schedules. A trial of a few steps refuses others.
            steps: how many.
            batch_size: how many x are drawn without replacement, afresh at every step.
                None: all.
            key: for the draws of minibatches.
            loss: outputs (b, p, k) and targets of b rows to a scalar.

        Returns:
            The trained network, and the loss before every step.

        Raises:
            InputError: for an optimiser that is not linear in the gradients, counts
                out of range, a missing key, or data that do not fit.
        """
        check_count("steps", steps)
        if batch_size is not None:
            check_count("batch_size", batch_size, len(self.x))
            key = check_key(key)
        check_linear(optimiser, self.own)
        at, losses = descended(
            self._objective(z, y, loss),
            optimiser,
            self.trainable,
            steps,
            batch_size,
            jax.random.key(0) if key is None else key,
        )
        return self.with_trained(at), losses

    def flow(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        y: ArrayLike,
        *,
        time: ArrayLike,
        loss: Loss = half_mean_square,
        tolerances: tuple[float, float] = (1e-5, 1e-5),
        max_steps: int = 100_000,
    ) -> tuple["MetaWideNetwork", Float[Array, " t"]]:
        r"""Gradient flow, $\dot A = -\partial L / \partial V$.

        Args:
            z, y, loss: as for `train`.
            time: the length of the flow, or ascending times, the last its length.
            tolerances: relative and absolute, of a step, in A and own parameters. Where
                g has kinks (ReLU) the flow slides along them, and the solver's steps
                grow as one over the tolerance: below 1e-6 only for smooth g.
            max_steps: of the solver, Tsit5; 6 gradients each.

        Returns:
            The network at the last time, and the loss at every time, (t,): under
            `jax.jit` and `jax.vmap` NaN where `max_steps` did not suffice.

        Raises:
            InputError: for times that do not ascend from 0, or if `max_steps` did not
                suffice.

        References:
            Kidger, *On Neural Differential Equations*, PhD thesis, Oxford 2021, whose
            Diffrax solves it.
        """
        times = checked_times(time, self.initial.dtype)
        at, losses, arrived = flowed(
            self._objective(z, y, loss), self.trainable, times, tolerances, max_steps
        )
        if is_traced(arrived):
            losses = jnp.where(arrived, losses, jnp.nan)
        elif not bool(arrived):
            raise InputError(
                f"the flow did not reach time={float(times[-1]):g} in "
                f"max_steps={max_steps}: raise it, loosen the tolerances, or stop "
                "sooner."
            )
        return self.with_trained(at), losses

    def stationarity(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        y: ArrayLike,
        *,
        loss: Loss = half_mean_square,
    ) -> Stationarity:
        r"""How far training is from standing still, as norms of the gradient.

        Gradient flow stands still where $\Theta_f\, \partial L / \partial V = 0$ and
        own parameters have no gradient; with $\Theta_f$ positive definite, where
        $\partial L / \partial V = 0$. Cost: one gradient.
        """
        return _certificates.stationarity(self._objective(z, y, loss), self.trainable)

    def hessian_eigenvalues(
        self,
        z: Float[Array, "p dz"] | Float[Array, "n p dz"],
        y: ArrayLike,
        *,
        loss: Loss = half_mean_square,
    ) -> Float[Array, "n P"]:
        r"""The eigenvalues of $\partial^2 L / \partial V^2$, block by block, ascending.

        If every parameter is generated and the loss is a mean over x, then
        $L(V) = \frac1n \sum_i \ell_i(V_i)$ falls apart: its Hessian has one P x P block
        for each x, and row i here holds the eigenvalues of block i. Where $\Theta_f$ is
        positive definite, training stands still just where every $V_i$ is a critical
        point of $\ell_i$: a stop at a loss above zero is then a critical point of the
        narrow g *alone*, which no wider f removes, and none of it is $f$'s doing.
        Eigenvalues that are all positive make it a local minimum.

        Cost n (P gradients + P^3); memory P^2.

        Raises:
            InputError: if the primary has parameters of its own, P is above 2000, or
                the loss is no mean over x.
        """
        return _certificates.hessian_eigenvalues(
            self._objective(z, y, loss), self.trainable
        )

    def _objective(self, z: Array, y: ArrayLike, loss: Loss) -> Objective:
        z, y = jnp.asarray(z), jnp.asarray(y)
        check_finite("z", z)
        check_finite("y", y)
        return Objective(self.primaries, z, y, loss)
