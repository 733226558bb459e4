"""Whether training has stopped, and at what kind of point."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.meta_wide._objective import Objective
from hyperlimit.meta_wide._primaries import Primaries
from hyperlimit.meta_wide._trainable import Trainable

# A block of the Hessian in double precision takes 32 MB, its eigenvalues some seconds.
LARGEST = 2000


class Stationarity(NamedTuple):
    r"""How far a point is from standing still.

    Attributes:
        loss: the loss there.
        weights: $|\partial L / \partial V_i|$ for every x, (n,).
        own: the norm of the gradient of the primary's own parameters.
    """

    loss: Float[Array, ""]
    weights: Float[Array, " n"]
    own: Float[Array, ""]


@eqx.filter_jit
def stationarity(objective: Objective, at: Trainable) -> Stationarity:
    """The norms of the gradient of a loss."""
    value, gradient = objective(at)
    squares = [jnp.sum(leaf**2) for leaf in jax.tree.leaves(gradient.own)]
    own = jnp.sqrt(sum(squares, jnp.zeros((), value.dtype)))
    return Stationarity(value, jnp.sqrt(jnp.sum(gradient.coefficients**2, axis=1)), own)


def hessian_eigenvalues(objective: Objective, at: Trainable) -> Float[Array, "n P"]:
    """The eigenvalues of every x's block, ascending.

    Raises:
        InputError: if the primary has parameters of its own, the blocks are too large,
            or the loss is no mean over x.
    """
    count, size = at.coefficients.shape
    if jax.tree.leaves(at.own):
        raise InputError(
            "the primary network has parameters of its own, which couple all x: "
            "hessian_eigenvalues needs every parameter generated."
        )
    if size > LARGEST:
        raise InputError(
            f"the primary network has P={size} weights for each x, and blocks of P x P "
            f"are taken apart up to P={LARGEST}: use a narrower primary network."
        )
    primaries = objective.read(at, None)
    whole, parts = _whole_and_parts(objective, primaries)
    size_of_rounding = 1e3 * float(jnp.finfo(whole.dtype).eps) * count
    if abs(float(whole) - float(jnp.mean(parts))) > size_of_rounding * float(
        jnp.max(jnp.abs(parts))
    ):
        raise InputError(
            f"the loss is {float(whole):.6g}, and its mean over single x is "
            f"{float(jnp.mean(parts)):.6g}: the Hessian falls into blocks only where "
            "the loss= is a mean over x."
        )
    return _eigenvalues(objective, primaries)


def _of_row(
    objective: Objective, primaries: Primaries, weights: Array, row: Array
) -> Array:
    """The loss of one x, by itself."""
    alone = primaries.replaced(weights[None], primaries.own)
    return objective.value(alone, row[None])


@eqx.filter_jit
def _whole_and_parts(
    objective: Objective, primaries: Primaries
) -> tuple[Float[Array, ""], Float[Array, " n"]]:
    rows = jnp.arange(len(primaries.weights))
    parts = jax.lax.map(
        lambda pair: _of_row(objective, primaries, *pair), (primaries.weights, rows)
    )
    return objective.value(primaries), parts


@eqx.filter_jit
def _eigenvalues(objective: Objective, primaries: Primaries) -> Float[Array, "n P"]:
    count = len(primaries.weights)

    def block(pair: tuple[Array, Array]) -> Array:
        hessian = jax.hessian(
            lambda weights: _of_row(objective, primaries, weights, pair[1])
        )(pair[0])
        return jnp.linalg.eigvalsh(hessian) / count

    # One block at a time: together they would take n P^2 numbers.
    return jax.lax.map(block, (primaries.weights, jnp.arange(count)))
