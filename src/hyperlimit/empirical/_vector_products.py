"""The empirical kernel column by column, without factors."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.empirical._examples import Grid
from hyperlimit.empirical._reading import Parameters


def vector_products(
    found: Parameters, one: Grid, two: Grid, outputs: str
) -> Float[Array, "u p v q"] | Float[Array, "u p k v q k"]:
    r"""Columns $J_1 (J_2^T e)$: one backward and one forward pass for each.

    Cost: as many passes over all examples as there are columns; memory: the
    parameters twice, and the kernel.
    """

    def values(arrays: list[Array], x: Array, z: Array | None) -> Float[Array, " k"]:
        example = [x] if z is None else [x, z]
        (output,) = jax.tree.leaves(found.combine(arrays)(*example))
        return output.ravel()

    def every(arrays: list[Array]) -> Float[Array, "u p k"]:
        def at(x: Array, z: Array | None) -> Float[Array, "p k"]:
            if z is None:
                return values(arrays, x, None)[None]
            return jax.vmap(lambda z: values(arrays, x, z))(z)

        return jax.vmap(at, in_axes=(0, None if one.z is None else 0))(one.x, one.z)

    def column(x: Array, z: Array | None) -> Array:
        output, pull = jax.vjp(lambda a: values(a, x, z), found.arrays)

        def of_output(cotangent: Array) -> Float[Array, "u p k"]:
            (direction,) = pull(cotangent)
            return jax.jvp(every, (found.arrays,), (direction,))[1]

        products = jax.lax.map(of_output, jnp.eye(output.size, dtype=output.dtype))
        if outputs == "full":
            return products
        return jnp.einsum("kupk->up", products) / output.size

    def columns(pair: tuple[Array, Array | None]) -> Array:
        x, z = pair
        if z is None:
            return column(x, None)[None]
        return jax.lax.map(lambda z: column(x, z), z)

    products = jax.lax.map(columns, (two.x, two.z))
    if outputs == "full":
        return jnp.einsum("vqlupk->upkvql", products)
    return jnp.einsum("vqup->upvq", products)
