"""The initial weights as a Gaussian process: draws, and draws given others."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.limits import NetworkLimit
from hyperlimit.linalg import jittered_cholesky, rows


@functools.partial(jax.jit, static_argnums=1)
def draw(kernel: Float[Array, "n n"], count: int, key: Array) -> Float[Array, "n P"]:
    """`count` independent draws of a centred process, as columns; O(n^3 + n^2 P)."""
    noise = jax.random.normal(key, (len(kernel), count), kernel.dtype)
    return jittered_cholesky(kernel) @ noise


@jax.jit
def conditional_mean(
    kernel: Float[Array, "n n"],
    cross: Float[Array, "m n"],
    values: Float[Array, "n P"],
) -> Float[Array, "m P"]:
    r"""$K(x', X) K(X, X)^{-1} V$, the mean elsewhere given values at X."""
    factor = jittered_cholesky(kernel)
    return cross @ jax.scipy.linalg.cho_solve((factor, True), values)


@jax.jit
def conditional_draw(
    joint: Float[Array, "t t"], values: Float[Array, "n P"], key: Array
) -> Float[Array, "m P"]:
    """A draw elsewhere given values at the first n of t = n + m inputs.

    The factor of the joint kernel has the conditional mean's map and the factor of
    the Schur complement in its lower blocks.
    """
    count = len(values)
    factor = jittered_cholesky(joint)
    white = jax.scipy.linalg.solve_triangular(
        factor[:count, :count], values, lower=True
    )
    shape = (len(joint) - count, values.shape[1])
    noise = jax.random.normal(key, shape, values.dtype)
    return factor[count:, :count] @ white + factor[count:, count:] @ noise


@jax.jit
def first_equal(x: Float[Array, "n ..."]) -> Int[Array, " n"]:
    """For each row the index of the first that is equal to the bit; O(n^2 + n d)."""
    marks = rows(x.reshape(len(x), -1)).fingerprint
    same = jnp.all(marks[:, None] == marks[None], axis=-1)
    return jnp.argmax(same, axis=1)


def elsewhere(
    limit: NetworkLimit,
    x: Float[Array, "n ..."],
    values: Float[Array, "n P"],
    new: Float[Array, "m ..."],
    key: Array | None,
) -> tuple[Float[Array, "m P"], Float[Array, "m n"]]:
    r"""The process at new inputs, given its values at x, and $\Theta$ between the two.

    A draw, or without a key its mean. Rows of x among the new ones have their values.
    """
    cross = limit.kernels(new, x)
    every = jnp.concatenate([x, new])
    if key is None:
        found = conditional_mean(limit.nngp(x), cross.nngp, values)
    else:
        found = conditional_draw(limit.nngp(every), values, key)
    among = jnp.concatenate([values, found])
    return among[first_equal(every)[len(x) :]], cross.ntk
