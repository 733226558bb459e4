"""What every preconditioner answers besides being an operator."""

from abc import abstractmethod

from jaxtyping import Array, Float

from hyperlimit.linalg.operators import AbstractOperator


class AbstractPreconditioner(AbstractOperator):
    r"""The inverse of a positive definite $M$, with a root of it.

    As an operator it is $M^{-1} = S S^T$. The root turns a system $G$ into
    $S^T G S$, symmetric and near the identity, and $\log\det G = \log\det M +
    \log\det(S^T G S)$.
    """

    @abstractmethod
    def root(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """S v."""

    @abstractmethod
    def root_transposed(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """S^T v."""

    @abstractmethod
    def log_determinant(self) -> Float[Array, ""]:
        """Of M."""

    @property
    def T(self) -> "AbstractPreconditioner":
        """The transpose: it is symmetric."""
        return self
