"""Residuals in double precision, whatever the operator is held in."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._iteration import norms


@eqx.filter_jit
def unit_residual(
    operator: AbstractOperator | None, answer: Array, right: Array, dtype: Any
) -> Float[Array, "n c"]:
    """b - G v with columns of length one, computed in double precision."""
    residual = _residual(operator, answer, right)
    sizes = norms(residual)
    return (residual / jnp.where(sizes > 0, sizes, 1)[None]).astype(dtype)


@eqx.filter_jit
def relative_residuals(
    operator: AbstractOperator, answer: Array, right: Array
) -> Float[Array, " c"]:
    sizes = norms_of_right(right)
    left = norms(_residual(operator, answer, right))
    return left / jnp.where(sizes > 0, sizes, 1)


def _residual(
    operator: AbstractOperator | None, answer: Array, right: Array
) -> Float[Array, "n c"]:
    double = right.astype(jnp.float64)
    if operator is None:
        return double
    return double - operator.matmat(answer.astype(jnp.float64))


@jax.jit
def corrected(answer: Array, change: Array, size: Float[Array, " c"]) -> Array:
    change = change.astype(jnp.float64) * size[None]
    return (answer.astype(jnp.float64) + change).astype(answer.dtype)


@jax.jit
def norms_of_right(right: Float[Array, "n c"]) -> Float[Array, " c"]:
    return norms(right.astype(jnp.float64))
