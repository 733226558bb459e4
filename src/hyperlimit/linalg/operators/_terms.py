"""The left factors of a Kronecker sum."""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


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
        return sum_of_products(self.terms, vectors)

    def each(self, vectors: Float[Array, "n w"]) -> Float[Array, "r m w"]:
        """A_1 V, ..., A_r V."""
        return jnp.stack([term.astype(vectors.dtype) @ vectors for term in self.terms])

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
        return products_between(self.terms, vectors, right)

    def rows(self, index: Int[Array, " a"]) -> "KeptTerms":
        """Some rows of all of them."""
        return KeptTerms(self.terms[:, index])


def products_between(
    terms: Float[Array, "r m n"],
    vectors: Float[Array, "n w"],
    right: Float[Array, "r q p"],
) -> Float[Array, "m v"]:
    """sum_k A_k V B_k^T, a row of V being numbers for each column of B_k."""
    (_, m, _), (_, q, p) = terms.shape, right.shape
    dtype = vectors.dtype
    total = jnp.zeros((), dtype)
    for a, b in zip(terms, right, strict=True):
        total = total + (a.astype(dtype) @ vectors).reshape(-1, p) @ b.T.astype(dtype)
    return total.reshape(m, vectors.shape[1] // p * q)


def sum_of_products(
    terms: Float[Array, "r m n"], vectors: Float[Array, "r n w"]
) -> Float[Array, "m w"]:
    """sum_k A_k V_k, one matrix product after the other."""
    total = terms[0].astype(vectors.dtype) @ vectors[0]
    for a, v in zip(terms[1:], vectors[1:], strict=True):
        total = total + a.astype(v.dtype) @ v
    return total
