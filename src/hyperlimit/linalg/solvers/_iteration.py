"""One iteration of preconditioned conjugate gradients, and chunks of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hyperlimit.linalg.operators import AbstractOperator


class State(eqx.Module):
    """Between two iterations of one cycle, in the operator's precision.

    Attributes:
        answer, residual, direction: of the correction, whose right-hand side has
            columns of length one.
        descent: r^T M^{-1} r of each column; below zero where an indefinite M ended it.
        active: which columns still move.
        steps: iterations of each column, those of earlier cycles included.
        lowest: the least curvature seen.
    """

    answer: Float[Array, "n c"]
    residual: Float[Array, "n c"]
    direction: Float[Array, "n c"]
    descent: Float[Array, " c"]
    active: Bool[Array, " c"]
    steps: Int[Array, " c"]
    lowest: Float[Array, ""]


@eqx.filter_jit
def start(
    preconditioner: AbstractOperator | None, unit: Array, active: Array, used: Array
) -> State:
    direction = _improved(preconditioner, unit)
    return State(
        jnp.zeros_like(unit),
        unit,
        direction,
        _dots(unit, direction),
        jnp.asarray(active),
        jnp.asarray(used),
        jnp.asarray(jnp.inf, unit.dtype),
    )


@eqx.filter_jit
def iterations(
    operator: AbstractOperator,
    preconditioner: AbstractOperator | None,
    state: State,
    enough: Array,
    most: Array,
    chunk: int,
) -> tuple[State, Float[Array, "k 2 c"]]:
    """Up to `chunk` iterations, fewer if every column has converged or had `most`."""
    record = jnp.full((chunk, 2, enough.shape[0]), jnp.nan, enough.dtype)

    def going(carry: tuple[Array, State, Array]) -> Array:
        index, state, _ = carry
        left = (index < chunk) & (jnp.max(state.steps) < most)
        return left & state.active.any() & (state.lowest > 0)

    def step(carry: tuple[Array, State, Array]) -> tuple[Array, State, Array]:
        index, state, record = carry
        state, coefficients = _step(operator, preconditioner, state, enough)
        return index + 1, state, record.at[index].set(coefficients)

    _, state, record = jax.lax.while_loop(
        going, step, (jnp.zeros((), jnp.int32), state, record)
    )
    return state, record


def _step(
    operator: AbstractOperator,
    preconditioner: AbstractOperator | None,
    state: State,
    enough: Array,
) -> tuple[State, Float[Array, "2 c"]]:
    image = operator.matmat(state.direction)
    curvature = _dots(state.direction, image)
    # A column that has converged exactly has no direction left: it stays.
    active = state.active & (state.descent > 0)
    length = jnp.where(active, state.descent / jnp.where(active, curvature, 1), 0)
    answer = state.answer + length[None] * state.direction
    residual = state.residual - length[None] * image
    improved = _improved(preconditioner, residual)
    descent = _dots(residual, improved)
    ratio = jnp.where(active, descent / jnp.where(active, state.descent, 1), 0)
    direction = improved + ratio[None] * state.direction
    # What ended by an indefinite preconditioner is to be told from what converged.
    ended = jnp.where(state.descent < 0, state.descent, 0)
    lowest = jnp.min(jnp.where(active, curvature, jnp.inf))
    going = active & (norms(residual) > enough)
    after = State(
        answer,
        residual,
        direction,
        jnp.where(active, descent, ended),
        going,
        state.steps + active.astype(state.steps.dtype),
        jnp.where(lowest < state.lowest, lowest, state.lowest),
    )
    nothing = jnp.asarray(jnp.nan, length.dtype)
    record = jnp.where(active, jnp.stack([length, ratio]), nothing)
    return after, record


def _improved(preconditioner: AbstractOperator | None, vectors: Array) -> Array:
    return vectors if preconditioner is None else preconditioner.matmat(vectors)


def _dots(a: Float[Array, "n c"], b: Float[Array, "n c"]) -> Float[Array, " c"]:
    return jnp.sum(a * b, axis=0)


@jax.jit
def norms(a: Float[Array, "n c"]) -> Float[Array, " c"]:
    return jnp.sqrt(jnp.sum(a**2, axis=0))
