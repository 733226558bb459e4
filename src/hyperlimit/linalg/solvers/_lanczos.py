"""Lanczos's process with full reorthogonalisation, many vectors at once."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# A direction this small beside the product it is left of is a rounding.
_NOTHING = 1e-12
# Steps below which a Krylov space is of no use.
_FEWEST = 10


class Krylov(eqx.Module):
    r"""Of each column its own: $B Q = Q T + $ a rest, $Q^T Q = I$.

    Attributes:
        basis: Q, one row of columns a step, (k + 1, n, c); zeros where not yet begun,
            and where a space is exhausted.
        diagonal: of T, (k, c); ones behind the end of an exhausted space.
        beside: off the diagonal of T, (k, c).
    """

    basis: Float[Array, "k1 n c"]
    diagonal: Float[Array, "k c"]
    beside: Float[Array, "k c"]


def krylov_room(size: int, columns: int, depth: int, memory: int) -> tuple[int, int]:
    """How deep Krylov spaces may get in so many bytes, and how many go together.

    Raises:
        InputError: if one of ten steps has no room.
    """
    depth = min(depth, size)
    most = memory // (8 * size) - 1
    if most < min(depth, _FEWEST):
        need = 8 * size * (min(depth, _FEWEST) + 1)
        raise InputError(
            f"memory={memory} bytes hold no Krylov space of {size} rows: give at least "
            f"{need}."
        )
    depth = min(depth, most)
    return depth, max(1, min(columns, memory // (8 * size * (depth + 1))))


@eqx.filter_jit
def krylov_start(vectors: Float[Array, "n c"], depth: int) -> Krylov:
    """Before the first step, with room for `depth` of them."""
    size = jnp.sqrt(jnp.sum(vectors**2, axis=0))
    basis = jnp.zeros((depth + 1, *vectors.shape), vectors.dtype)
    ones = jnp.ones((depth, vectors.shape[1]), vectors.dtype)
    return Krylov(basis.at[0].set(vectors / size[None]), ones, 0 * ones)


@eqx.filter_jit(donate="all-except-first")
def krylov_steps(
    system: tuple[AbstractOperator, AbstractPreconditioner | None],
    krylov: Krylov,
    first: Array,
    count: Array,
) -> Krylov:
    r"""Some steps with $B = S^T G S$, or with G itself.

    In the precision of the basis, whatever the operators are held in. Everything is
    made orthogonal to the whole basis twice, which costs little beside a product.
    """
    operator, preconditioner = system
    if preconditioner is not None:
        preconditioner = in_precision(preconditioner, krylov.basis.dtype)

    def step(index: Array, krylov: Krylov) -> Krylov:
        here = krylov.basis[index]
        image = preconditioned(operator, preconditioner, here)
        size = jnp.sqrt(jnp.sum(image**2, axis=0))
        alpha = jnp.sum(image * here, axis=0)
        for _ in range(2):
            inside = jnp.einsum("knc,nc->kc", krylov.basis, image)
            image = image - jnp.einsum("knc,kc->nc", krylov.basis, inside)
        beta = jnp.sqrt(jnp.sum(image**2, axis=0))
        left = beta > _NOTHING * size
        there = jnp.where(left, image / jnp.where(left, beta, 1)[None], 0)
        # Of an exhausted space nothing is left but the ones on the diagonal.
        return Krylov(
            krylov.basis.at[index + 1].set(there),
            krylov.diagonal.at[index].set(jnp.where(size > 0, alpha, 1)),
            krylov.beside.at[index].set(jnp.where(left, beta, 0)),
        )

    return jax.lax.fori_loop(first, first + count, step, krylov)


@eqx.filter_jit
def krylov_combined(
    preconditioner: AbstractPreconditioner | None,
    krylov: Krylov,
    weights: Float[Array, "k c"],
) -> Float[Array, "n c"]:
    """S Q w, column by column."""
    found = jnp.einsum("knc,kc->nc", krylov.basis[:-1], weights)
    if preconditioner is None:
        return found
    return in_precision(preconditioner, found.dtype).root(found)


def preconditioned(
    operator: AbstractOperator,
    preconditioner: AbstractPreconditioner | None,
    vectors: Float[Array, "n c"],
) -> Float[Array, "n c"]:
    """S^T G S v."""
    if preconditioner is None:
        return operator.matmat(vectors)
    return preconditioner.root_transposed(operator.matmat(preconditioner.root(vectors)))


def in_precision(
    preconditioner: AbstractPreconditioner, dtype: jnp.dtype
) -> AbstractPreconditioner:
    """The same preconditioner with its numbers in another precision."""
    floating, others = eqx.partition(preconditioner, eqx.is_inexact_array)
    return eqx.combine(jax.tree.map(lambda leaf: leaf.astype(dtype), floating), others)
