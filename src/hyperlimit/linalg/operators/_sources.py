"""What the entries of the left factors of a Kronecker sum are made from."""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


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
