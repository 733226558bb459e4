"""A matrix that is there."""

from typing import Any, final

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators._base import AbstractOperator


@final
class Dense(AbstractOperator):
    """A matrix as an operator: m n numbers, 2 m n c flops a product."""

    matrix: Float[Array, "m n"]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.matrix.shape[0], self.matrix.shape[1]

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.matrix.dtype

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "m c"]:
        """The product with c vectors at once."""
        return self.matrix.astype(vectors.dtype) @ vectors

    @property
    def T(self) -> "Dense":
        """The transpose."""
        return Dense(self.matrix.T)

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        return jnp.diagonal(self.matrix)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        return self.matrix[rows[:, None], columns[None, :]]
