"""Some rows and columns of an operator, as values that are known."""

from typing import Any, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators._base import AbstractOperator

# Entries of a diagonal that are made at a time.
_ENTRIES = 256


@final
class Selected(AbstractOperator):
    r"""$S_r G S_c^T$: the rows `rows` and the columns `columns` of an operator.

    A product puts c vectors where they belong among zeros, multiplies once by the
    whole operator, and picks: it costs what the whole does. No index may occur twice
    in `columns`, nor in `rows` where the transpose is used.

    Given one array as both, the diagonal is read off the whole operator's.
    """

    whole: AbstractOperator
    rows: Int[Array, " a"]
    # None for those of `rows`: flattened and put together again, it still says so.
    _columns: Int[Array, " b"] | None

    def __init__(
        self,
        whole: AbstractOperator,
        rows: Int[Array, " a"],
        columns: Int[Array, " b"],
    ):
        self.whole, self.rows = whole, rows
        self._columns = None if columns is rows else columns

    @property
    def columns(self) -> Int[Array, " b"]:
        """Which columns."""
        return self.rows if self._columns is None else self._columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.shape[0], self.columns.shape[0]

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.whole.dtype

    def matmat(self, vectors: Float[Array, "b c"]) -> Float[Array, "a c"]:
        """The product with c vectors at once."""
        spread = jnp.zeros((self.whole.shape[1], vectors.shape[1]), vectors.dtype)
        spread = spread.at[self.columns].set(vectors, unique_indices=True)
        return self.whole.matmat(spread)[self.rows]

    @property
    def T(self) -> "Selected":
        """The transpose."""
        return Selected(self.whole.T, self.columns, self.rows)

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        if self._columns is None:
            return self.whole.diagonal()[self.rows]
        count = min(self.shape)
        return jax.lax.map(
            lambda place: self.whole.block(place[0][None], place[1][None])[0, 0],
            (self.rows[:count], self.columns[:count]),
            batch_size=_ENTRIES,
        )

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        return self.whole.block(self.rows[rows], self.columns[columns])
