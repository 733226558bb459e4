"""Gradients of many outputs in one parameter, kept as factors, and their products."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class Factor(NamedTuple):
    r"""$\nabla_p h_k(x_u, z_{up}) = s \sum_{l} \mathrm{left}_{upkl} \otimes
    \mathrm{right}_{upl}$, over the positions l that share the parameter.

    Attributes:
        left: (u, p, k, l, o).
        right: (u, p, l, i), with p = 1 where it depends on x alone. None: one position
            and no second factor.
        scale: s.
        junction: which value's cotangent `left` is.
    """

    left: Float[Array, "u p k l o"]
    right: Float[Array, "u q l i"] | None
    scale: float
    junction: int


def gram(
    one: Factor, two: Factor, outputs: str, known: dict[int, Array]
) -> Float[Array, "u p v q"] | Float[Array, "u p k v q k"]:
    """The inner products of all pairs of gradients.

    `outputs`: "full" for all pairs of outputs, "mean" for the sum over equal ones.
    `known`: products of first factors by junction; what is missing is added.
    """
    scale = one.scale * two.scale
    if one.left.shape[3] > 1 and one.right is not None and two.right is not None:
        if _gradients_are_cheaper(one.left, one.right, two.left):
            first = _gradient(one.left, one.right)
            return scale * _lefts(first, _gradient(two.left, two.right), outputs)
        return scale * _positions(one, two, outputs)
    if one.junction not in known:
        known[one.junction] = _lefts(one.left, two.left, outputs)
    lefts = known[one.junction]
    if one.right is None or two.right is None:
        return scale * lefts
    return scale * lefts * expanded(rights(one.right, two.right), outputs)


def rights(
    one: Float[Array, "u p 1 i"], two: Float[Array, "v q 1 i"]
) -> Float[Array, "u p v q"]:
    """The inner products of the second factors, one position."""
    return jnp.einsum("upi,vqi->upvq", one[:, :, 0], two[:, :, 0])


def expanded(
    products: Float[Array, "u p v q"], outputs: str
) -> Float[Array, "u p v q"] | Float[Array, "u p 1 v q 1"]:
    """Broadcast over outputs."""
    if outputs == "mean":
        return products
    return products[:, :, None, :, :, None]


def _lefts(
    one: Float[Array, "u p k l o"], two: Float[Array, "v q k l o"], outputs: str
) -> Float[Array, "..."]:
    formula = {"full": "upklo,vqmlo->upkvqm", "mean": "upklo,vqklo->upvq"}[outputs]
    return jnp.einsum(formula, one, two)


def _positions(one: Factor, two: Factor, outputs: str) -> Float[Array, "..."]:
    """Both Gram matrices of all pairs of positions, multiplied and summed."""
    lefts = {"full": "upklo,vqmno->upkvqmln", "mean": "upklo,vqkno->upvqln"}[outputs]
    both = jnp.einsum("upli,vqni->upvqln", one.right, two.right)
    if outputs == "full":
        both = both[:, :, None, :, :, None]
    return jnp.sum(jnp.einsum(lefts, one.left, two.left) * both, axis=(-2, -1))


def _gradient(
    left: Float[Array, "u p k l o"], right: Float[Array, "u q l i"]
) -> Float[Array, "u p k 1 w"]:
    (u, p, k, positions, out), size = left.shape, right.shape[-1]
    right = jnp.broadcast_to(right, (u, p, positions, size))
    found = jnp.einsum("upklo,upli->upkoi", left, right)
    return found.reshape(u, p, k, 1, out * size)


def _gradients_are_cheaper(
    left: Float[Array, "u p k l o"],
    right: Float[Array, "u q l i"],
    other: Float[Array, "v r k l o"],
) -> bool:
    """By counted multiplications, of gradients formed against pairs of positions."""
    (u, p, k, positions, out), size = left.shape, right.shape[-1]
    rows, columns = u * p, other.shape[0] * other.shape[1]
    formed = (rows + columns) * k * positions * out * size
    formed += rows * columns * k * k * out * size
    paired = rows * columns * positions**2 * (k * k * out + size)
    return formed < paired
