r"""Taylor mode: a function along a line, as a power series, operation by operation.

`jax.experimental.jet` stops at functions with a derivative rule of their own (the relu
of `jax.nn`), loops and branches, and multiplies by the zeros of a line's higher
coefficients. Here a series is as long as its degree, so that a network of products and
kinks costs a number of products that is linear in the order.
"""

import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array, Float, PyTree

from hyperlimit.errors import InputError

# Coefficients of 1, t, t^2, ...: those beyond the last are zero.
Series = tuple[Array, ...]
Apply = Callable[..., list[Array]]

# Jointly linear in all their floating operands: the others are indices and conditions.
_LINEAR = (
    *("add", "sub", "neg", "add_any", "reduce_sum", "cumsum", "concatenate", "pad"),
    *("broadcast_in_dim", "reshape", "squeeze", "transpose", "rev", "slice", "split"),
    *("copy", "convert_element_type", "reduce_window_sum", "select_n", "gather"),
    *("dynamic_slice", "dynamic_update_slice", "scatter", "scatter-add"),
)
_BILINEAR = ("mul", "dot_general", "conv_general_dilated")
_CONSTANT = ("stop_gradient", "sign", "floor", "ceil", "round")
_CALLS = ("jit", "pjit", "closed_call", "remat2", "checkpoint")


def taylor_series(
    function: Callable[[PyTree], Float[Array, "..."]],
    point: PyTree,
    direction: PyTree,
    order: int,
) -> Float[Array, "r ..."]:
    r"""The coefficients of a function along a line, those of $t^0$ to $t^r$.

    $f(w + t v) = \sum_k c_k t^k$. Sums and selections go term by term, products by
    Cauchy's rule, and any other operation by nested forward mode, on that operation
    alone: $2^r$ times its cost. Where a branch or a kink is decided, it is decided at
    t = 0, as forward mode does.

    Raises:
        InputError: for a function with a rule for reverse mode alone (custom_vjp).
    """
    leaves, tree = jax.tree.flatten(point)

    def flat(*leaves: Array) -> Array:
        return function(jax.tree.unflatten(tree, leaves))

    program = jax.make_jaxpr(flat)(*leaves)
    lines = zip(leaves, jax.tree.leaves(direction), strict=True)
    (found,) = _evaluate(program.jaxpr, program.consts, list(lines), order)
    missing = [jnp.zeros_like(found[0])] * (order + 1 - len(found))
    return jnp.stack([*found, *missing])


def _evaluate(
    jaxpr: core.Jaxpr, consts: Sequence, inputs: Sequence[Series], order: int
) -> list[Series]:
    """The outputs of a program whose inputs are series."""
    known = dict(zip(jaxpr.invars, inputs, strict=True))
    for var, value in zip(jaxpr.constvars, consts, strict=True):
        known[var] = (jnp.asarray(value),)

    def read(var: core.Var | core.Literal) -> Series:
        return (jnp.asarray(var.val),) if isinstance(var, core.Literal) else known[var]

    for equation in jaxpr.eqns:
        given = [read(var) for var in equation.invars]
        found = _propagate(equation, given, order)
        known |= dict(zip(equation.outvars, found, strict=True))
    return [read(var) for var in jaxpr.outvars]


def _propagate(
    equation: core.JaxprEqn, given: list[Series], order: int
) -> list[Series]:
    """One operation on series."""
    name, params = equation.primitive.name, equation.params

    def apply(*operands: Array) -> list[Array]:
        found = equation.primitive.bind(
            *operands, **equation.primitive.get_bind_params(params)
        )
        return list(found) if equation.primitive.multiple_results else [found]

    differentiable = any(_is_inexact(var.aval) for var in equation.outvars)
    moving = any(len(series) > 1 for series in given)
    if not moving or not differentiable or name in _CONSTANT:
        return [(value,) for value in apply(*(series[0] for series in given))]
    if name in _CALLS:
        inner = params["jaxpr"]
        consts = getattr(inner, "consts", ())
        return _evaluate(getattr(inner, "jaxpr", inner), consts, given, order)
    if name in _BILINEAR:
        return [_product(apply, *given, order)]
    if name == "div" and len(given[1]) == 1:
        return _termwise(apply, given, (0,))
    if name in _LINEAR:
        floating = [_is_inexact(var.aval) for var in equation.invars]
        return _termwise(apply, given, [i for i, is_so in enumerate(floating) if is_so])
    if name.startswith("custom_vjp_call"):
        raise InputError(
            "the network holds a function with a rule for reverse mode alone "
            "(jax.custom_vjp), which has no higher derivatives: give it jax.custom_jvp."
        )
    return _nested(apply, given, order)


def _termwise(apply: Apply, given: list[Series], linear: Sequence[int]) -> list[Series]:
    degree = max(len(given[i]) for i in linear)

    def term(position: int, k: int) -> Array:
        series = given[position]
        if position not in linear:
            return series[0]
        return series[k] if k < len(series) else jnp.zeros_like(series[0])

    columns = [apply(*(term(i, k) for i in range(len(given)))) for k in range(degree)]
    return list(zip(*columns, strict=True))


def _product(apply: Apply, one: Series, two: Series, order: int) -> Series:
    degree = min(order, len(one) + len(two) - 2)

    def term(k: int) -> Array:
        low, high = max(0, k - len(two) + 1), min(k, len(one) - 1)
        parts = [apply(one[i], two[k - i])[0] for i in range(low, high + 1)]
        return functools.reduce(jnp.add, parts)

    return tuple(term(k) for k in range(degree + 1))


def _nested(apply: Apply, given: list[Series], order: int) -> list[Series]:
    """Any operation, by nested forward mode: 2^order times its cost."""
    found: list[Series] = [
        (value,) for value in apply(*(series[0] for series in given))
    ]
    moving = [i for i, (value,) in enumerate(found) if _is_inexact(value)]

    def curve(t: Array) -> list[Array]:
        outputs = apply(*(_polynomial(series, t) for series in given))
        return [outputs[i] for i in moving]

    def derivatives(k: int) -> Callable[[Array], list[list[Array]]]:
        if k == 0:
            return lambda t: [curve(t)]
        lower = derivatives(k - 1)

        def higher(t: Array) -> list[list[Array]]:
            values, tangents = jax.jvp(lower, (t,), (jnp.ones_like(t),))
            return [*values, tangents[-1]]

        return higher

    columns = derivatives(order)(jnp.zeros((), found[moving[0]][0].dtype))
    for position, derivative in zip(moving, zip(*columns, strict=True), strict=True):
        found[position] = tuple(
            value / math.factorial(k) for k, value in enumerate(derivative)
        )
    return found


def _polynomial(series: Series, t: Array) -> Array:
    """The value of a series at t, by Horner's rule."""
    value = series[-1]
    for coefficient in reversed(series[:-1]):
        value = coefficient + t.astype(coefficient.dtype) * value
    return value


def _is_inexact(array: object) -> bool:
    """Whether an array, or the type of one, is floating or complex."""
    dtype = getattr(array, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.inexact)
