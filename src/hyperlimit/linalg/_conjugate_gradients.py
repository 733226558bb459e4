"""Preconditioned conjugate gradients with many right-hand sides."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError

Operator = Callable[[Array], Array]


class Solution(NamedTuple):
    """What conjugate gradients found, and how well it solves the system.

    `residual` is the *true* relative residual of the worst column, recomputed from
    the answer: in float32 the recurrence's own figure falls far below it.
    """

    vectors: Float[Array, "n p c"]
    residual: float
    iterations: int


def conjugate_gradients(
    operator: Operator,
    right: Float[Array, "n p c"],
    preconditioner: Operator,
    *,
    tolerance: float,
    most_iterations: int = 500,
    progress: Callable[[int, float], None] | None = None,
) -> Solution:
    r"""Solves $G v = b$ for each of c columns, for $G$ and $M^{-1}$ pytree operators.

    Columns have their own step lengths and stop on their own. After convergence of
    the recurrence the true residual is computed, and the iteration goes on from there
    if that has not converged.

    Args:
        operator: $v \mapsto G v$ on (n, p, c), positive definite; a pytree.
        right: b.
        preconditioner: $v \mapsto M^{-1} v$, positive definite; a pytree.
        tolerance: on $|b - G v| / |b|$, for each column.
        most_iterations: in all.
        progress: told the iteration and the recurrence's residual now and then.

    Raises:
        InputError: if the system turns out indefinite or not finite, or the residual
            stagnates above ten times the tolerance.
    """
    scale = _norms(right)
    scale = jnp.where(scale > 0, scale, 1)
    answer, used, best = jnp.zeros_like(right), 0, float("inf")
    while True:
        residual = right - operator(answer) if used else right
        true = float(jnp.max(_norms(residual) / scale))
        if not true < float("inf"):
            raise InputError(
                "the linear system is not finite after "
                f"{used} iterations: scale the data, or raise the ridge."
            )
        # A restart that gains nothing has met the rounding of the matrix product.
        if true <= tolerance or used >= most_iterations or true > 0.5 * best:
            break
        best = true
        state = _start(preconditioner, answer, residual)
        while used < most_iterations:
            state, worst, curvature = _step(operator, preconditioner, state, scale)
            used += 1
            if not float(curvature) > 0:
                raise InputError(
                    f"the Gram matrix is not positive definite (curvature "
                    f"{float(curvature):.1e} at iteration {used}): raise the ridge, "
                    "or use float64."
                )
            if progress is not None:
                progress(used, float(worst))
            if float(worst) <= 0.7 * tolerance:
                break
        answer = state.answer
    if true > 10 * tolerance:
        raise InputError(
            f"the linear system stands at a relative residual of {true:.1e} after "
            f"{used} iterations, and {tolerance:.1e} was asked for: raise the ridge, "
            "allow more iterations, or use float64."
        )
    return Solution(answer, true, used)


class _State(NamedTuple):
    answer: Array
    residual: Array
    direction: Array
    descent: Array


@eqx.filter_jit
def _start(preconditioner: Operator, answer: Array, residual: Array) -> _State:
    direction = preconditioner(residual)
    return _State(answer, residual, direction, _dots(residual, direction))


@eqx.filter_jit
def _step(
    operator: Operator, preconditioner: Operator, state: _State, scale: Array
) -> tuple[_State, Array, Array]:
    image = operator(state.direction)
    curvature = _dots(state.direction, image)
    # A column that has converged exactly has no direction left: it stays.
    active = state.descent > 0
    length = jnp.where(active, state.descent / jnp.where(active, curvature, 1), 0)
    length = length[None, None]
    answer = state.answer + length * state.direction
    residual = state.residual - length * image
    improved = preconditioner(residual)
    descent = _dots(residual, improved)
    ratio = jnp.where(active, descent / jnp.where(active, state.descent, 1), 0)
    direction = improved + ratio[None, None] * state.direction
    worst = jnp.max(_norms(residual) / scale)
    lowest = jnp.min(jnp.where(active, curvature, jnp.inf))
    return _State(answer, residual, direction, descent), worst, lowest


@jax.jit
def _dots(a: Float[Array, "n p c"], b: Float[Array, "n p c"]) -> Float[Array, " c"]:
    return jnp.sum(a * b, axis=(0, 1))


@jax.jit
def _norms(a: Float[Array, "n p c"]) -> Float[Array, " c"]:
    return jnp.sqrt(jnp.sum(a**2, axis=(0, 1)))
