"""Slopes of quadratic forms of a Kronecker sum, compiled piece by piece."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hyperlimit.limits.gram._free_kernel import FreeKernel
from hyperlimit.limits.gram._pieces import (
    Diagonal,
    Factors,
    Layout,
    angle_and_tangent,
    diagonal,
    factors,
    form,
)


@eqx.filter_jit
def compiled_factors(
    kernel: FreeKernel, layouts: tuple[Layout, ...], z: PyTree, found: Diagonal
) -> tuple[Factors, ...]:
    return tuple(factors(kernel, one, found, z) for one in layouts)


@eqx.filter_jit
def tile_slopes(
    fixed: tuple[FreeKernel, tuple[Layout, ...], PyTree],
    found: Diagonal,
    made: tuple[Factors, ...],
    vectors: tuple[Array, Array],
    rows: Array,
) -> tuple[Array, Diagonal, tuple[Factors, ...]]:
    """Slopes of the forms of some rows, in the values, the scales and the factors."""
    kernel, layouts, a = fixed

    def value(values: Array, found: Diagonal, made: tuple[Factors, ...]) -> Array:
        here = jax.tree.map(lambda leaf: leaf[rows], a)
        between = angle_and_tangent(kernel.at(values), here, a)
        total = jnp.zeros(())
        for layout, one in zip(layouts, made, strict=True):
            scales = found.scales(layout)
            total = total + form(
                layout, between, (scales[rows], scales), one.right, vectors, rows
            )
        return total

    values = jnp.asarray(kernel.values)
    return jax.grad(value, argnums=(0, 1, 2))(values, found, made)


@eqx.filter_jit
def own_slopes(
    made: tuple[Factors, ...],
    vectors: Float[Array, "n p c"],
    weighted: Float[Array, "n p c"],
    shares: Float[Array, "n p"],
) -> tuple[Factors, ...]:
    """Slopes of the forms of equal images, and of the weighted trace."""

    def value(made: tuple[Factors, ...]) -> Array:
        total = jnp.zeros(())
        for one in made:
            for weight, block in zip(one.weights, one.blocks, strict=True):
                inside = jnp.einsum("npc,pq,nqc->n", weighted, block, vectors)
                total = total + weight @ (inside + shares @ jnp.diagonal(block))
        return total

    return jax.grad(value)(made)


@eqx.filter_jit
def pulled_slopes(
    kernel: FreeKernel,
    layouts: tuple[Layout, ...],
    prepared: tuple[PyTree, PyTree],
    slopes: tuple[Diagonal, tuple[Factors, ...]],
) -> Float[Array, " q"]:
    """Slopes in scales and factors as slopes in the values."""

    def value(values: Array) -> tuple[Diagonal, tuple[Factors, ...]]:
        moved = kernel.at(values)
        found = diagonal(moved, prepared[0])
        made = tuple(factors(moved, one, found, prepared[1]) for one in layouts)
        return found, made

    return jax.vjp(value, jnp.asarray(kernel.values))[1](slopes)[0]
