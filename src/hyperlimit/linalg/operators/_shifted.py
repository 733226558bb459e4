"""An operator with noise on its diagonal."""

from typing import Any, final

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators._base import AbstractOperator


@final
class Shifted(AbstractOperator):
    r"""$G + \lambda I$ for a square operator."""

    operator: AbstractOperator
    shift: Float[Array, ""]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.operator.dtype

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """The product with c vectors at once."""
        return (
            self.operator.matmat(vectors) + self.shift.astype(vectors.dtype) * vectors
        )

    @property
    def T(self) -> "Shifted":
        """The transpose."""
        return Shifted(self.operator.T, self.shift)

    def diagonal(self) -> Float[Array, " n"]:
        """The entries (i, i)."""
        return self.operator.diagonal() + self.shift

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        equal = rows[:, None] == columns[None, :]
        return self.operator.block(rows, columns) + jnp.where(equal, self.shift, 0)
