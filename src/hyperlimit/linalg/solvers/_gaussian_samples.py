"""Draws from a Gaussian whose covariance is an operator."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._lanczos import (
    krylov_combined,
    krylov_room,
    krylov_start,
    krylov_steps,
)
from hyperlimit.linalg.solvers._log_determinant import ritz
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# Steps between two looks at the draws.
_CHUNK = 5


def gaussian_samples(
    operator: AbstractOperator,
    preconditioner: AbstractPreconditioner | None = None,
    *,
    count: int,
    tolerance: float = 1e-3,
    depth: int = 200,
    seed: int = 0,
    memory: int = 2**30,
) -> Float[Array, "n c"]:
    r"""Independent columns of $N(0, G)$, in double precision.

    With a preconditioner $M^{-1} = S S^T$, $B = S^T G S$ and standard normal g, a draw
    is $G\, S B^{-1/2} g$, whose covariance is $G S B^{-1} S^T G = G$. The inverse root
    is taken in the Krylov space of g, which grows until five more steps change the
    draw, in the norm of $B^{-1/2} g$, by less than `tolerance`.

    Args:
        operator: G, symmetric and positive definite.
        preconditioner: the nearer it is, the fewer steps.
        count: c.
        tolerance: relative.
        depth: the most steps.
        seed: of the draws.
        memory: bytes that Krylov spaces may take: 8 n `depth` a column. Where not one
            has room, there are fewer steps.

    Raises:
        InputError: if the matrix is not positive definite, `depth` steps are not
            enough, or the memory holds less than ten.

    References:
        Pleiss, Jankowiak, Eriksson, Damle and Gardner, *Fast Matrix Square Roots with
        Applications to Gaussian Processes and Bayesian Optimization*, NeurIPS 2020,
        for the same aim by rational functions.

    Examples:
        >>> import jax.numpy as jnp, numpy as np
        >>> from hyperlimit.linalg.operators import Dense
        >>> draws = gaussian_samples(Dense(jnp.diag(jnp.array([1.0, 9.0]))), count=4000)
        >>> print(np.asarray(draws).std(axis=1).round(1))
        [1. 3.]
    """
    size = operator.shape[0]
    draw = np.random.default_rng(seed).standard_normal((count, size)).T
    depth, together = krylov_room(size, count, depth, memory)
    with jax.enable_x64(True):
        return jnp.concatenate(
            [
                _drawn(
                    operator,
                    preconditioner,
                    jnp.asarray(draw[:, i : i + together]),
                    depth,
                    tolerance,
                )
                for i in range(0, count, together)
            ],
            axis=1,
        )


def _drawn(
    operator: AbstractOperator,
    preconditioner: AbstractPreconditioner | None,
    normal: Float[Array, "n c"],
    depth: int,
    tolerance: float,
) -> Float[Array, "n c"]:
    system = operator, preconditioner
    lengths = np.linalg.norm(np.asarray(normal), axis=0)
    krylov = krylov_start(normal, depth)
    before, done, change = np.zeros((depth, len(lengths))), 0, np.inf
    while done < depth and change > tolerance:
        count = min(_CHUNK, depth - done)
        krylov = krylov_steps(system, krylov, jnp.asarray(done), jnp.asarray(count))
        done += count
        values, first, vectors = ritz(krylov, done)
        weights = np.einsum("cik,ck->ic", vectors, first / np.sqrt(values))
        weights = np.pad(lengths * weights, ((0, depth - done), (0, 0)))
        moved = np.linalg.norm(weights - before, axis=0)
        change = float((moved / np.linalg.norm(weights, axis=0)).max())
        before = weights
    if change > tolerance and done < normal.shape[0]:
        raise InputError(
            f"draws still change by {change:.1e} after {done} Lanczos steps, the most "
            "that depth and memory allow: raise the ridge, or give more memory."
        )
    return _product(
        operator, krylov_combined(preconditioner, krylov, jnp.asarray(before))
    )


@eqx.filter_jit
def _product(operator: AbstractOperator, vectors: Array) -> Array:
    return operator.matmat(vectors)
