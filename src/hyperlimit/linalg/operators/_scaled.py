"""An operator between two diagonal matrices."""

from typing import Any, final

from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators._base import AbstractOperator


@final
class Scaled(AbstractOperator):
    r"""$\mathrm{diag}(a)\, G\, \mathrm{diag}(b)$."""

    left: Float[Array, " m"]
    operator: AbstractOperator
    right: Float[Array, " n"]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.operator.dtype

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "m c"]:
        """The product with c vectors at once."""
        left, right = (v.astype(vectors.dtype) for v in (self.left, self.right))
        return left[:, None] * self.operator.matmat(right[:, None] * vectors)

    @property
    def T(self) -> "Scaled":
        """The transpose."""
        return Scaled(self.right, self.operator.T, self.left)

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        count = min(self.shape)
        return self.left[:count] * self.operator.diagonal() * self.right[:count]

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        inner = self.operator.block(rows, columns)
        return self.left[rows][:, None] * inner * self.right[columns][None, :]
