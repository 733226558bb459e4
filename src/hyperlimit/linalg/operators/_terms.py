"""The left factors of a Kronecker sum."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

# Rows of a product that are made at a time: those of the left factor stay in the cache.
_ROWS = 512


class AbstractTerms(eqx.Module):
    """Matrices A_1, ..., A_r of one shape (m, n)."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """Of the entries."""

    @abstractmethod
    def times(self, vectors: Float[Array, "r n w"]) -> Float[Array, "m w"]:
        """sum_k A_k V_k."""

    @abstractmethod
    def each(self, vectors: Float[Array, "n w"]) -> Float[Array, "r m w"]:
        """A_1 V, ..., A_r V."""

    @abstractmethod
    def combined(self, weights: Float[Array, "j r"]) -> "AbstractTerms":
        """sum_k w_jk A_k."""

    @property
    @abstractmethod
    def T(self) -> "AbstractTerms":
        """The transposes."""

    @abstractmethod
    def entries(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "r a b"]:
        """The entries of some rows and columns."""

    @abstractmethod
    def diagonals(self) -> Float[Array, "r k"]:
        """The entries (i, i)."""

    @abstractmethod
    def between(
        self, vectors: Float[Array, "n w"], right: Float[Array, "r q p"]
    ) -> Float[Array, "m v"]:
        r"""$\sum_k (A_k \otimes B_k) V$, a row of V having p numbers for each column.

        The left factors come first: where they have few rows, so has the rest.
        """

    @abstractmethod
    def rows(self, index: Int[Array, " a"]) -> "AbstractTerms":
        """Some rows of all of them."""


@final
class KeptTerms(AbstractTerms):
    """The matrices themselves: r m n numbers."""

    terms: Float[Array, "r m n"]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""
        r, m, n = self.terms.shape
        return r, m, n

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.terms.dtype

    def times(self, vectors: Float[Array, "r n w"]) -> Float[Array, "m w"]:
        """sum_k A_k V_k, r matrix products."""
        return self._by_rows(
            jnp.zeros((self.shape[1], vectors.shape[2]), vectors.dtype),
            lambda k, a: a @ vectors[k],
        )

    def each(self, vectors: Float[Array, "n w"]) -> Float[Array, "r m w"]:
        """A_1 V, ..., A_r V."""
        return jax.lax.map(lambda a: a.astype(vectors.dtype) @ vectors, self.terms)

    def combined(self, weights: Float[Array, "j r"]) -> "KeptTerms":
        """sum_k w_jk A_k, as new matrices."""
        return KeptTerms(jnp.tensordot(weights, self.terms, 1))

    @property
    def T(self) -> "KeptTerms":
        """The transposes."""
        return KeptTerms(jnp.swapaxes(self.terms, 1, 2))

    def entries(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "r a b"]:
        """The entries of some rows and columns."""
        return self.terms[:, rows[:, None], columns[None, :]]

    def diagonals(self) -> Float[Array, "r k"]:
        """The entries (i, i)."""
        return jnp.diagonal(self.terms, axis1=1, axis2=2)

    def between(
        self, vectors: Float[Array, "n w"], right: Float[Array, "r q p"]
    ) -> Float[Array, "m v"]:
        """sum_k A_k V B_k^T, one term after the other."""
        width = vectors.shape[1] // right.shape[2] * right.shape[1]
        return self._by_rows(
            jnp.zeros((self.shape[1], width), vectors.dtype),
            lambda k, a: turned(a @ vectors, right[k]),
        )

    def _by_rows(
        self, start: Float[Array, "m w"], product: Callable[[Array, Array], Array]
    ) -> Float[Array, "m w"]:
        """Sums over k of what is made of k and of some rows of A_k."""
        (count, m, n), dtype = self.shape, start.dtype
        size = min(_ROWS, m)

        def rows(first: Array) -> Array:
            def added(k: Array, total: Array) -> Array:
                place = (k, first.astype(k.dtype), jnp.zeros_like(k))
                some = jax.lax.dynamic_slice(self.terms, place, (1, size, n))[0]
                return total + product(k, some.astype(dtype))

            return jax.lax.fori_loop(0, count, added, start[:size])

        return filled(start, size, rows, axis=0)

    def rows(self, index: Int[Array, " a"]) -> "KeptTerms":
        """Some rows of all of them."""
        return KeptTerms(self.terms[:, index])


def filled(
    start: Float[Array, "..."], size: int, part: Callable[[Array], Array], axis: int
) -> Float[Array, "..."]:
    """Made `size` rows at a time, each part from its first row."""
    m = start.shape[axis]
    # The last block ends at the edge, and makes some rows a second time.
    firsts = jnp.asarray([min(i, m - size) for i in range(0, m, size)])

    def fill(result: Array, first: Array) -> tuple[Array, None]:
        made = part(first)
        return jax.lax.dynamic_update_slice_in_dim(result, made, first, axis), None

    return jax.lax.scan(fill, start, firsts)[0]


def turned(
    vectors: Float[Array, "m w"], right: Float[Array, "q p"]
) -> Float[Array, "m v"]:
    """V B^T, a row of V being numbers for each column of B."""
    q, p = right.shape
    product = vectors.reshape(-1, p) @ right.T.astype(vectors.dtype)
    return product.reshape(vectors.shape[0], vectors.shape[1] // p * q)


def sum_of_products(
    terms: Float[Array, "r m n"], vectors: Float[Array, "r n w"]
) -> Float[Array, "m w"]:
    """sum_k A_k V_k, one matrix product after the other."""

    def added(total: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
        a, v = pair
        return total + a.astype(v.dtype) @ v, None

    start = jnp.zeros((terms.shape[1], vectors.shape[2]), vectors.dtype)
    return jax.lax.scan(added, start, (terms, vectors))[0]


def products_between(
    terms: Float[Array, "r m n"],
    vectors: Float[Array, "n w"],
    right: Float[Array, "r q p"],
) -> Float[Array, "m v"]:
    """sum_k A_k V B_k^T, a row of V being numbers for each column of B_k."""

    def added(total: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
        a, b = pair
        return total + turned(a.astype(vectors.dtype) @ vectors, b), None

    width = vectors.shape[1] // right.shape[2] * right.shape[1]
    start = jnp.zeros((terms.shape[1], width), vectors.dtype)
    return jax.lax.scan(added, start, (terms, right))[0]
