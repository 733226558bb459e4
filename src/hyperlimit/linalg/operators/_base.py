"""What every operator answers: one algebra."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.errors import InputError

# Columns of the identity that `as_matrix` multiplies at a time.
_COLUMNS = 256


class AbstractOperator(eqx.Module):
    r"""A real matrix known by its products; a pytree of the numbers that make it.

    Vectors are flat: an operator on n images at p coordinates acts on (n p,) or
    (n p, c), the coordinate running fastest. Nothing forms the matrix but
    `as_matrix`, called by that name. A product is made in the precision of the
    vectors: an operator held in single precision has products in double.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """Of its entries."""

    @abstractmethod
    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "m c"]:
        """The product with c vectors at once."""

    @property
    @abstractmethod
    def T(self) -> "AbstractOperator":
        """The transpose."""

    @abstractmethod
    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i), as many as the shorter side has."""

    @abstractmethod
    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns, dense; cost O(a b) entries."""

    def __matmul__(self, vectors: Array) -> Array:
        """The product with a vector (n,) or with the columns of (n, c).

        Raises:
            InputError: for another number of rows than the operator has columns.
        """
        if vectors.ndim not in (1, 2) or vectors.shape[0] != self.shape[1]:
            raise InputError(
                f"an operator of shape {self.shape} was given vectors of shape "
                f"{vectors.shape}: give ({self.shape[1]},) or ({self.shape[1]}, c)."
            )
        if vectors.ndim == 1:
            return self.matmat(vectors[:, None])[:, 0]
        return self.matmat(vectors)

    def as_matrix(self) -> Float[Array, "m n"]:
        """The dense matrix, from its products: for small problems and for tests."""
        size = self.shape[1]
        parts = []
        for start in range(0, size, _COLUMNS):
            index = jnp.arange(start, min(start + _COLUMNS, size))
            columns = jax.nn.one_hot(index, size, dtype=self.dtype, axis=0)
            parts.append(self.matmat(columns))
        if not parts:
            return jnp.zeros(self.shape, self.dtype)
        return jnp.concatenate(parts, axis=1)
