"""The terms of a finite network's Taylor series along its own gradients."""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hyperlimit.empirical._reading import output_shapes
from hyperlimit.empirical._taylor_series import taylor_series
from hyperlimit.errors import InputError
from hyperlimit.finite import (
    FiniteHypernetwork,
    ModuleHypernetwork,
    UnshapedHypernetwork,
)

LARGEST_ORDER = 6


def taylor_terms(
    net: Callable[..., Array], u: PyTree, order: int
) -> Float[Array, "r n n"] | Float[Array, "r n k n k"]:
    r"""Derivatives of a network along its gradients: the NTK and the terms above it.

    For a network h with parameters w,

    $$K^{(r)}_{ij} = \frac{d^r}{dt^r} h(u_i;\, w + t \nabla_w h(u_j;\, w))
      \Big|_{t=0} = \nabla_w^r h(u_i) \cdot \nabla_w h(u_j)^{\otimes r},$$

    for r from 1 to `order`; $K^{(1)}$ is the empirical NTK. With k outputs the entry
    (r, i, a, j, b) takes output a at $u_i$ along the gradient of output b at $u_j$.
    By Taylor mode, never forming a tensor of derivatives. Kinks stay where they are
    at t = 0: a piecewise linear network is a polynomial of t.

    Args:
        net: a finite hypernetwork, a finite network or any callable Equinox module;
            all its floating arrays are w.
        u: pairs (x, z) of n rows each for a network of two arguments, rows (n, ...)
            for one of one argument.
        order: from 1 to 6.

    Returns:
        (order, n, n) for networks of one output, else (order, n, k, n, k), outputs of
        any shape as k numbers in a row.

    Cost: for each of the n k directions one gradient and n evaluations, in which a
    product with a parameter is done up to 2 order + 1 times, one of two computed
    arrays (generated weights) (order + 1)(order + 2) / 2 times, and what is neither a
    sum, a selection nor a product (tanh, a loop) 2^order times. Memory: parameters
    times k, and order times what n evaluations hold.

    Raises:
        InputError: for an order out of range, a network without arrays, inputs that
            are no rows or not the network's, or a network with derivatives in reverse
            mode alone.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> net = hl.init(hl.mlp(depth=3, width=64, out=1), key=jax.random.key(0), x=2)
        >>> terms = hl.taylor_terms(net, jnp.eye(2), order=3)
        >>> print(terms.shape)
        (3, 2, 2)
    """
    whole = isinstance(order, int) and not isinstance(order, bool)
    if not (whole and 1 <= order <= LARGEST_ORDER):
        raise InputError(
            f"order={order!r} was given: give a whole number from 1 to {LARGEST_ORDER}."
        )
    if isinstance(net, UnshapedHypernetwork):
        raise InputError(
            "the hypernetwork has no arrays yet, as it was drawn without inputs: give "
            "x and z to init."
        )
    if not jax.tree.leaves(eqx.filter(net, eqx.is_inexact_array)):
        raise InputError(
            f"{type(net).__name__} has no floating arrays to differentiate in: give a "
            "network with parameters."
        )
    rows = _rows(net, u)
    _check_taken(net, rows)
    return _terms(net, rows, order)


@eqx.filter_jit
def _terms(net: Callable[..., Array], rows: tuple[Array, ...], order: int) -> Array:
    values, rest = eqx.partition(net, eqx.is_inexact_array)

    def outputs(values: PyTree, row: tuple[Array, ...]) -> Float[Array, " k"]:
        return jnp.ravel(eqx.combine(values, rest)(*row))

    def along(gradient: PyTree) -> Float[Array, "n r k"]:
        def one(row: tuple[Array, ...]) -> Float[Array, "r k"]:
            def at(values: PyTree) -> Float[Array, " k"]:
                return outputs(values, row)

            return taylor_series(at, values, gradient, order)[1:]

        return jax.vmap(one)(rows)

    def column(row: tuple[Array, ...]) -> Float[Array, "k n r k"]:
        return jax.vmap(along)(jax.jacrev(outputs)(values, row))

    # (j, b, i, r, a): one u_j at a time, as each holds gradients.
    found = jnp.moveaxis(jax.lax.map(column, rows), (3, 2, 4), (0, 1, 2))
    factorials = [math.factorial(r) for r in range(1, order + 1)]
    found = found * jnp.asarray(factorials, found.dtype).reshape(order, 1, 1, 1, 1)
    return found[:, :, 0, :, 0] if found.shape[2] == 1 else found


def _check_taken(net: Callable[..., Array], rows: tuple[Array, ...]) -> None:
    """Raises an InputError if the network does not take one row."""
    values, rest = eqx.partition(net, eqx.is_inexact_array)
    example = [jax.ShapeDtypeStruct(a.shape[1:], a.dtype) for a in rows]
    output_shapes(lambda v, e: eqx.combine(v, rest)(*e), values, example)


def _rows(net: Any, u: PyTree) -> tuple[Array, ...]:
    """The arguments of the network, each with a leading axis of one length."""
    pair = isinstance(net, FiniteHypernetwork | ModuleHypernetwork)
    if pair and not (isinstance(u, tuple | list) and len(u) == 2):
        raise InputError(
            f"a hypernetwork reads pairs, but a {type(u).__name__} was given: give "
            "(x, z) with one row of each an example."
        )
    rows = tuple(jnp.asarray(a) for a in (u if isinstance(u, tuple | list) else (u,)))
    if not rows or any(array.ndim == 0 for array in rows) or not len(rows[0]):
        raise InputError(
            f"inputs of shapes {[array.shape for array in rows]} were given: give one "
            "row an example, and at least one."
        )
    if len({len(array) for array in rows}) > 1:
        raise InputError(
            f"inputs have {' and '.join(str(len(array)) for array in rows)} rows: row "
            "i of all is one example, so repeat one of them to match."
        )
    return rows
