"""What `limit.gram` does: builds the operator, checks it, refuses what is not right."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from hyperlimit.errors import InputError
from hyperlimit.limits.gram._check import checked_error
from hyperlimit.limits.gram._expanded import RELATIVE, Method, expanded
from hyperlimit.limits.gram._gram import Gram, GramReport
from hyperlimit.limits.gram._meta_kernels import meta_diagonal
from hyperlimit.limits.gram._points import Points, points_of
from hyperlimit.limits.gram._setting import Setting, Sides
from hyperlimit.limits.gram._tiled import tiled_gram
from hyperlimit.linalg.operators import AbstractOperator, Selected

Given = tuple[Any, ...]


def gram_of(
    limit: Any,
    given: Given,
    others: Given | None,
    *,
    kind: str,
    atol: float | None,
    method: Method,
    memory: int,
) -> Gram:
    """The operator between points, or of points with themselves."""
    spec = limit.spec
    _check(kind, method, atol, memory)
    x, z, mask = given
    left, dtype = points_of(x, z, mask, spec.meta.inputs.rank)
    right = left
    if others is not None:
        if len(others) not in (2, 3):
            raise InputError(
                f"others has {len(others)} parts: give (x, z) or (x, z, mask)."
            )
        x, z, mask = others if len(others) == 3 else (*others, None)
        right = points_of(x, z, mask, spec.meta.inputs.rank)[0]
    if left.x.shape[1:] != right.x.shape[1:] or left.z.shape[1] != right.z.shape[1]:
        raise InputError(
            f"points of images {left.x.shape[1:]} at coordinates {left.z.shape[1:]} "
            f"have no kernel with images {right.x.shape[1:]} at {right.z.shape[1:]}: "
            "give both sides the same columns."
        )
    if method == "expansion" and (left.own or right.own):
        raise InputError(
            "every image was given coordinates of its own, which have no Kronecker "
            "structure: give method='tiled', or coordinates that images share with "
            "a mask."
        )
    diagonals = tuple(meta_diagonal(spec.meta, side.x) for side in (left, right))
    for one in diagonals:
        check_scales(one.std)
    sides = Sides(left, right, others is None, (diagonals[0], diagonals[1]))
    one = jnp.asarray(left.x[:1], dtype)
    first = jax.eval_shape(spec.meta.limit_inputs.prepare, one)
    pair_size = limit.meta_pair_size(first)
    setting = Setting(spec, kind, dtype, memory, pair_size)
    largest = _largest(limit, kind, sides)
    goal = RELATIVE * largest if atol is None else atol
    gap = None
    missed = 0.0
    if method == "tiled":
        operator, terms, where = tiled_gram(setting, sides), 0, "kept"
    else:
        made = expanded(setting, sides, goal, largest)
        operator = chosen_points(made.operator, left, right)
        terms, where, missed = made.terms, made.factors, made.error
        gap = made.gap

    def exact(a: tuple[Array, Array], b: tuple[Array, Array]) -> Array:
        return getattr(limit, kind)(a, b)

    # No entry is known better than it is written.
    rounding = float(jnp.finfo(dtype).eps) * largest
    error = float(max(checked_error(exact, operator, sides, gap), missed, rounding))
    if method == "tiled" and atol is None:
        goal = max(goal, error)
    if not error <= goal:
        how, mend = "by rounding", ""
        if method == "expansion":
            how, mend = f"in a sum of {terms} Kronecker products", " or method='tiled'"
        raise InputError(
            f"entries of the Gram matrix reach {largest:.3g} and are off by up to "
            f"{error:.1e} {how} in {dtype}, and atol={goal:.1e} was asked for: give "
            f"atol={2 * error:.0e}{_or_float64(dtype)}{mend}."
        )
    report = GramReport(method, terms, where, largest, error, float(goal))
    return Gram(operator, report)


def _or_float64(dtype: Any) -> str:
    return "" if dtype == np.float64 else ", float64"


def _check(kind: str, method: str, atol: float | None, memory: int) -> None:
    if kind not in ("ntk", "nngp"):
        raise InputError(f"kind={kind!r} is not a kernel: give 'ntk' or 'nngp'.")
    if method not in ("expansion", "tiled"):
        raise InputError(
            f"method={method!r} is not one: give 'expansion', or 'tiled' for entries "
            "that are computed in every product."
        )
    if atol is not None and not 0 < atol < np.inf:
        raise InputError(f"atol={atol!r} must be positive and finite.")
    if memory < 0:
        raise InputError(f"memory={memory!r} bytes were given: give at least 0.")


def check_scales(std: np.ndarray) -> None:
    if not (np.isfinite(std).all() and (std > 0).all()):
        wrong = int(np.flatnonzero(~(np.isfinite(std) & (std > 0)))[0])
        raise InputError(
            f"f's outputs for image {wrong} have the deviation {std[wrong]:.3g}: leave "
            "out images that are zero everywhere, or give f biases."
        )


def chosen_points(
    operator: AbstractOperator, left: Points, right: Points
) -> AbstractOperator:
    rows, columns = left.index, right.index
    if rows is None and columns is None:
        return operator
    chosen = [
        jnp.arange(size) if index is None else jnp.asarray(index)
        for index, size in zip((rows, columns), operator.shape, strict=True)
    ]
    return Selected(operator, chosen[0], chosen[0] if left is right else chosen[1])


def _largest(limit: Any, kind: str, sides: Sides) -> float:
    """The largest entry, which is a diagonal one: of the images of largest scale."""
    diagonal = getattr(limit, f"{kind}_diagonal")
    found = 0.0
    for points, one in zip((sides.left, sides.right), sides.diagonals, strict=True):
        some = [int(np.argmax(one.std)), int(np.argmax(one.std**2 * one.tangent))]
        for image in some[: 1 if some[0] == some[1] else 2]:
            with jax.enable_x64(True):
                x = jnp.broadcast_to(
                    jnp.asarray(points.x[image]), (len(points.z), *points.x.shape[1:])
                )
                values = diagonal((x, jnp.asarray(points.z)))
            found = max(found, float(np.asarray(values).max()))
    return found
