"""The Gram matrix on images x coordinates as an operator."""

from typing import Any, NamedTuple, final

import equinox as eqx
from jaxtyping import Array, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import (
    AbstractOperator,
    KeptTerms,
    KroneckerSum,
    Selected,
    StreamedTerms,
)


class GramReport(NamedTuple):
    """How a Gram matrix is held, and how exact it is.

    Attributes:
        method: "expansion" or "tiled".
        terms: Kronecker products in the sum; 0 if tiled.
        factors: "kept", "from angles" or "from images", where the left ones are.
        largest: the largest entry, on the diagonal.
        error: the largest deviation of an entry from the kernel in double precision
            that was found, among pairs drawn at random, nearest and equal ones, and
            while the factors were made; at least a rounding of the largest entry.
        atol: what was asked for, or is the default.
    """

    method: str
    terms: int
    factors: str
    largest: float
    error: float
    atol: float


@final
class Gram(AbstractOperator):
    """A kernel's matrix between points (image, coordinate), with its report.

    Points are in the order of images, and of the coordinates of each.
    """

    operator: AbstractOperator
    report: GramReport = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.operator.dtype

    @property
    def factors(self) -> tuple[Float[Array, "r m n"], Float[Array, "r q p"]]:
        """Left and right factors of all images and coordinates, the left ones made.

        Streamed ones are made a block of rows at a time: r m n numbers are held, and
        what a product holds.

        Raises:
            InputError: without Kronecker structure.
        """
        whole = self.operator
        whole = whole.whole if isinstance(whole, Selected) else whole
        if not isinstance(whole, KroneckerSum):
            raise InputError(
                f"a Gram matrix of method {self.report.method!r} has no factors: build "
                "it with method='expansion'."
            )
        left = whole.left
        if isinstance(left, StreamedTerms):
            left = _kept(left)
        assert isinstance(left, KeptTerms)
        return left.terms, whole.right

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "m c"]:
        """The product with c vectors at once."""
        return _compiled(self.operator, vectors)

    @property
    def T(self) -> "Gram":
        """The transpose."""
        return Gram(self.operator.T, self.report)

    def diagonal(self) -> Float[Array, " k"]:
        """The entries (i, i)."""
        return _diagonal(self.operator)

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """The entries of some rows and columns."""
        return self.operator.block(rows, columns)


@eqx.filter_jit
def _compiled(operator: AbstractOperator, vectors: Array) -> Array:
    return operator.matmat(vectors)


@eqx.filter_jit
def _diagonal(operator: AbstractOperator) -> Array:
    return operator.diagonal()


@eqx.filter_jit
def _kept(left: StreamedTerms) -> KeptTerms:
    return left.kept()
