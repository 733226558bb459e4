"""Kernels of pieces of the examples, put together as a user reads them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hyperlimit.empirical._examples import Grid
from hyperlimit.empirical._plan import each, plan, total


@eqx.filter_jit
def piece(
    net: PyTree,
    one: Grid,
    two: Grid | None,
    trained: PyTree,
    form: str,
    outputs: str,
    by_parameter: bool,
    method: str | None,
) -> list[Array]:
    """The kernel, or that of each parameter, with rows and columns as one axis each."""
    if method is None:
        method = plan(net, trained, one, two, outputs).method

    def pairs(one: Grid, two: Grid | None) -> list[Array]:
        if by_parameter:
            return each(net, trained, one, two, outputs, method)
        return [total(net, trained, one, two, outputs, method)]

    def of_block(x: Array, z: Array | None) -> list[Array]:
        return pairs(Grid(x[None], None if z is None else z[None], None), None)

    if form == "full":
        found = pairs(one, two)
    elif form == "blocks" or one.z is None:
        found = jax.vmap(of_block)(one.x, one.z)
    else:
        points = jax.vmap(lambda x, z: of_block(x, z[None]), in_axes=(None, 0))
        found = jax.vmap(points)(one.x, one.z)
    return [_shaped_as(kernel, form, outputs) for kernel in found]


def _shaped_as(kernel: Array, form: str, outputs: str) -> Float[Array, "..."]:
    """Rows, columns and outputs as a user reads them; the mean over outputs."""
    axes = 2 if outputs == "full" else 0
    lead = kernel.ndim - 4 - axes
    if axes:
        kernel = jnp.moveaxis(kernel, lead + 2, -2)
    u, p, v, q = kernel.shape[lead : lead + 4]
    rest = kernel.shape[lead + 4 :]
    if form == "full":
        return kernel.reshape(u * p, v * q, *rest)
    if form == "blocks":
        return kernel.reshape(-1, p, q, *rest)
    return kernel.reshape(-1, *rest)


def tiles(
    between: Callable[[Grid, Grid | None], list[Array]],
    rows: list[Grid],
    columns: list[Grid] | None,
) -> list[Array]:
    """All pairs of pieces; without columns, those below the diagonal are mirrored."""
    found: dict[tuple[int, int], list[Array]] = {}
    for i, one in enumerate(rows):
        if columns is not None:
            for j, two in enumerate(columns):
                found[i, j] = between(one, two)
            continue
        found[i, i] = between(one, None)
        for j in range(i):
            found[i, j] = between(one, rows[j])
            found[j, i] = jax.tree.map(_mirrored, found[i, j])
    width = len(rows) if columns is None else len(columns)
    bands = [
        jax.tree.map(
            lambda *p: jnp.concatenate(p, axis=1), *(found[i, j] for j in range(width))
        )
        for i in range(len(rows))
    ]
    return jax.tree.map(lambda *p: jnp.concatenate(p), *bands)


def _mirrored(kernel: Array) -> Array:
    swapped = jnp.swapaxes(kernel, 0, 1)
    return swapped if kernel.ndim == 2 else jnp.swapaxes(swapped, 2, 3)


def in_order(kernel: Array, one: Grid, two: Grid, form: str) -> Array:
    """Rows and columns as they were given."""
    if one.rows is not None:
        kernel = kernel[one.rows]
    return kernel if form == "diagonal" or two.rows is None else kernel[:, two.rows]
