"""Stops at kinks of the primary network, where the gradient jumps over zero."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jaxtyping import Array, Float
from numpy.typing import NDArray

from hyperlimit.meta_wide import Primaries
from hyperlimit.studies.optimisation._problem import Problem, shares

# Points around a stop, for each of its weights, and their largest distance in units of
# the length of the weights.
POINTS, RADIUS = 8, 1e-3
# Of the hull's shortest vector, in units of loss over length of the weights.
SHORT = 1e-3
# Makes the sum of the hull's coefficients one, to a millionth.
_HEAVY = 1e3


def at_kinks(
    primaries: Primaries, problem: Problem, doubtful: NDArray[np.bool_], seed: int
) -> NDArray[np.bool_]:
    r"""Which doubtful stops are Goldstein stationary: zero is in the hull of gradients.

    For the weights V of an image and gradients $g_k$ of its loss at points around V,
    the shortest vector of $\{\sum_k c_k g_k : c \ge 0, \sum_k c_k = 1\}$ is found by
    least squares without negative coefficients.

    References:
        Goldstein, *Optimization of Lipschitz continuous functions*, Mathematical
        Programming 13, 1977; Burke, Lewis and Overton, *A Robust Gradient Sampling
        Algorithm for Nonsmooth, Nonconvex Optimization*, SIAM J. Optim. 15, 2005.
    """
    generator = np.random.default_rng(seed)

    @jax.jit
    @jax.vmap
    def gradients(at: Float[Array, " P"], y: Float[Array, "p k"]) -> Array:
        def loss(weights: Array) -> Array:
            alone = primaries.replaced(weights[None], primaries.own)
            return shares(alone.batch(problem.z), y[None])[0] / 2

        return jax.grad(loss)(at)

    found = np.zeros_like(doubtful)
    losses = np.asarray(shares(primaries.batch(problem.z), problem.y)) / 2
    weights = np.asarray(primaries.weights)
    size = weights.shape[1]
    for i in np.flatnonzero(doubtful):
        length = np.linalg.norm(weights[i])
        ball = generator.normal(size=(POINTS * size, size))
        ball /= np.linalg.norm(ball, axis=1, keepdims=True)
        ball *= generator.uniform(size=(POINTS * size, 1)) ** (1 / size)
        around = jnp.asarray(weights[i] + RADIUS * length * ball)
        targets = jnp.broadcast_to(problem.y[i], (len(around), *problem.y.shape[1:]))
        slopes = np.asarray(gradients(around, targets))
        found[i] = _shortest(slopes) * length / losses[i] < SHORT
    return found


def _shortest(slopes: NDArray) -> float:
    """The length of the shortest vector in the convex hull of rows."""
    unit = np.linalg.norm(slopes, axis=1).max()
    if unit == 0:
        return 0.0
    ones = np.full((1, len(slopes)), _HEAVY)
    right = np.zeros(slopes.shape[1] + 1)
    right[-1] = _HEAVY
    coefficients, _ = scipy.optimize.nnls(np.vstack([slopes.T / unit, ones]), right)
    return float(np.linalg.norm(coefficients @ slopes / coefficients.sum()))
