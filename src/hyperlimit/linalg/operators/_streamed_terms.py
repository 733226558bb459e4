"""Left factors of a Kronecker sum that are made whenever they are needed."""

from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.linalg.operators._sources import (
    AbstractSource,
    ChosenSource,
    CombinedSource,
)
from hyperlimit.linalg.operators._terms import (
    AbstractTerms,
    KeptTerms,
    filled,
    products_between,
    sum_of_products,
)


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
        size = min(self.block, self.shape[1])

        def part(first: Array) -> Array:
            return product(self.source.made(first + jnp.arange(size), None))

        return filled(start, size, part, axis=1)

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
        return self._filled(
            start, lambda made: products_between(made, vectors, right)[None]
        )[0]

    def rows(self, index: Int[Array, " a"]) -> "StreamedTerms":
        """Some rows of all of them."""
        return StreamedTerms(ChosenSource(self.source, index, None), self.block)

    def kept(self) -> KeptTerms:
        """The matrices themselves: one evaluation of every entry."""
        start = jnp.zeros(self.shape, self.dtype)
        return KeptTerms(self._filled(start, lambda made: made))
