"""The left factors of a Kronecker sum: kept, or made whenever they are needed."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
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
        return _between(self.terms, vectors, right)

    def rows(self, index: Int[Array, " a"]) -> "KeptTerms":
        """Some rows of all of them."""
        return KeptTerms(self.terms[:, index])


class AbstractSource(eqx.Module):
    """What the entries of r matrices of one shape (m, n) are made from."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """Of the entries."""

    @abstractmethod
    def made(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"] | None
    ) -> Float[Array, "r a b"]:
        """Entries; without `columns` all of these rows."""

    @property
    @abstractmethod
    def T(self) -> "AbstractSource":
        """The source of the transposes."""


@final
class CombinedSource(AbstractSource):
    """Linear combinations of what another source makes."""

    source: AbstractSource
    weights: Float[Array, "j r"]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(j, m, n)."""
        return self.weights.shape[0], *self.source.shape[1:]

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.source.dtype

    def made(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"] | None
    ) -> Float[Array, "j a b"]:
        """Entries; without `columns` all of these rows."""
        return jnp.tensordot(self.weights, self.source.made(rows, columns), 1)

    @property
    def T(self) -> "CombinedSource":
        """The source of the transposes."""
        return CombinedSource(self.source.T, self.weights)


@final
class StreamedTerms(AbstractTerms):
    """Matrices whose rows are made anew in every product, `block` at a time.

    A product holds r times `block` times n numbers.
    """

    source: AbstractSource
    block: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""
        return self.source.shape

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.source.dtype

    def times(self, vectors: Float[Array, "r n w"]) -> Float[Array, "m w"]:
        """sum_k A_k V_k, and one evaluation of every entry."""
        start = jnp.zeros((1, self.shape[1], vectors.shape[2]), vectors.dtype)
        return self._filled(start, lambda made: sum_of_products(made, vectors)[None])[0]

    def each(self, vectors: Float[Array, "n w"]) -> Float[Array, "r m w"]:
        """A_1 V, ..., A_r V, and one evaluation of every entry."""
        start = jnp.zeros((*self.shape[:2], vectors.shape[1]), vectors.dtype)
        return self._filled(
            start,
            lambda made: jnp.stack([t.astype(vectors.dtype) @ vectors for t in made]),
        )

    def _filled(
        self, start: Float[Array, "k m w"], product: Callable[[Array], Array]
    ) -> Float[Array, "k m w"]:
        """Products of blocks of rows, one block after the other."""
        m = self.shape[1]
        size = min(self.block, m)
        # The last block ends at the edge, and makes some rows a second time.
        firsts = jnp.asarray([min(i, m - size) for i in range(0, m, size)])

        def fill(result: Array, first: Array) -> tuple[Array, None]:
            made = self.source.made(first + jnp.arange(size), None)
            part = product(made)
            return jax.lax.dynamic_update_slice(result, part, (0, first, 0)), None

        return jax.lax.scan(fill, start, firsts)[0]

    def combined(self, weights: Float[Array, "j r"]) -> "StreamedTerms":
        """sum_k w_jk A_k, made like these."""
        return StreamedTerms(CombinedSource(self.source, weights), self.block)

    @property
    def T(self) -> "StreamedTerms":
        """The transposes."""
        return StreamedTerms(self.source.T, self.block)

    def entries(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "r a b"]:
        """The entries of some rows and columns."""
        return self.source.made(rows, columns)

    def diagonals(self) -> Float[Array, "r k"]:
        """The entries (i, i)."""
        index = jnp.arange(min(self.shape[1:]))
        found = jax.lax.map(
            lambda i: self.source.made(i[None], i[None])[:, 0, 0], index
        )
        return found.T

    def between(
        self, vectors: Float[Array, "n w"], right: Float[Array, "r q p"]
    ) -> Float[Array, "m v"]:
        """sum_k A_k V B_k^T, and one evaluation of every entry."""
        width = vectors.shape[1] // right.shape[2] * right.shape[1]
        start = jnp.zeros((1, self.shape[1], width), vectors.dtype)
        return self._filled(start, lambda made: _between(made, vectors, right)[None])[0]

    def rows(self, index: Int[Array, " a"]) -> "StreamedTerms":
        """Some rows of all of them."""
        return StreamedTerms(ChosenSource(self.source, index, None), self.block)

    def kept(self) -> KeptTerms:
        """The matrices themselves: one evaluation of every entry."""
        start = jnp.zeros(self.shape, self.dtype)
        return KeptTerms(self._filled(start, lambda made: made))


@final
class ChosenSource(AbstractSource):
    """Some rows or columns of another source, which is held whole."""

    source: AbstractSource
    index_rows: Int[Array, " a"] | None
    index_columns: Int[Array, " b"] | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""
        r, m, n = self.source.shape
        m = m if self.index_rows is None else self.index_rows.shape[0]
        return r, m, n if self.index_columns is None else self.index_columns.shape[0]

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.source.dtype

    def made(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"] | None
    ) -> Float[Array, "r a b"]:
        """Entries; without `columns` all of these rows."""
        # Of the caller's kind, which in double precision is another than when made.
        kind = rows.dtype
        if self.index_rows is not None:
            rows = self.index_rows[rows].astype(kind)
        if self.index_columns is not None:
            whole = columns is None
            columns = self.index_columns if whole else self.index_columns[columns]
            columns = columns.astype(kind)
        return self.source.made(rows, columns)

    @property
    def T(self) -> "ChosenSource":
        """The source of the transposes."""
        return ChosenSource(self.source.T, self.index_columns, self.index_rows)


def _between(
    terms: Float[Array, "r m n"],
    vectors: Float[Array, "n w"],
    right: Float[Array, "r q p"],
) -> Float[Array, "m v"]:
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
