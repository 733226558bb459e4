"""A regression on images x coordinates before it is solved."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from hyperlimit.limits import DualLimit
from hyperlimit.limits.gram import Gram, ImageBlocks, Method, image_blocks

Progress = Callable[[int, float], None]

# Up to this many known values a dense factor is formed where some are missing.
DENSE_VALUES = 12_000


class GridProblem(NamedTuple):
    """Which values of which functions are known, and how they vary together.

    Attributes:
        x: meta-inputs, (n, d) or images (n, h, w, c).
        z: coordinates, (p, d_z), or of each function its own.
        known: which of the n p values are known; None where every function has its
            own coordinates, all known.
        atol: of a kernel entry, None for the default.
        tolerance: on the relative residual.
        memory: bytes for a Gram matrix's left factors, and for a preconditioner.
    """

    limit: DualLimit
    kind: str
    x: Float[Array, "n ..."]
    z: Any
    known: Bool[np.ndarray, "n p"] | None
    atol: float | None
    tolerance: float
    memory: int

    @property
    def complete(self) -> bool:
        """Whether all values of a common grid are known."""
        return self.known is not None and bool(self.known.all())

    @property
    def image(self) -> Int[np.ndarray, " v"]:
        """Which function each known value belongs to."""
        if self.known is not None:
            return np.nonzero(self.known)[0]
        return np.repeat(np.arange(len(self.z)), [len(part) for part in self.z])

    def gram(self, method: Method | None = None) -> Gram:
        """The Gram matrix of the known values."""
        return self._gram(self._given, None, method or self._method)

    def cross(self, x: Array, z: ArrayLike) -> Gram:
        """The kernel between all new points and the known values."""
        return self._gram((x, z, None), self._given, self._method)

    def blocks(self, x: Array, z: ArrayLike) -> ImageBlocks:
        """The kernel of new functions with themselves."""
        return image_blocks(self.limit, x, z, self.kind)

    @property
    def _given(self) -> tuple[Any, Any, Any]:
        known = None if self.known is None or self.known.all() else self.known
        return self.x, self.z, known

    @property
    def _method(self) -> Method:
        return "tiled" if self.known is None else "expansion"

    def _gram(self, given: tuple, others: tuple | None, method: Method) -> Gram:
        x, z, mask = given
        return self.limit.gram(
            x,
            z,
            mask,
            others=others,
            kind="ntk" if self.kind == "ntk" else "nngp",
            atol=self.atol,
            method=method,
            memory=self.memory,
        )


class Report(NamedTuple):
    """How a grid regression was solved.

    Attributes:
        method: "dense Cholesky", "conjugate gradients" or "restored".
        preconditioner: in words.
        terms: of the Kronecker sum, 0 if there is none.
        kernel_error: the largest error of a kernel entry that was found.
        iterations: of conjugate gradients, 0 for a factor.
        residual: the true relative residual of the worst column, in double precision.
        condition: of the preconditioned system, from below.

    None is what was not measured: all of a regression that was restored, the condition
    of a dense matrix.
    """

    method: str
    preconditioner: str
    terms: int
    kernel_error: float | None
    iterations: int
    residual: float | None
    condition: float | None


class Solved(eqx.Module):
    """What is left of a solve, for the variance."""

    @abstractmethod
    def explained(
        self, cross: Gram, new: Float[Array, "m ..."], exact: bool
    ) -> Float[Array, "m q"]:
        """k^T (K + noise)^{-1} k for every new image and coordinate."""

    @abstractmethod
    def weights(self, values: Float[Array, "v k"]) -> Float[Array, "v k"]:
        """(K + noise)^{-1} y."""


Outcome = tuple[Solved, Float[Array, "v k"], Report]


def rows_of_image(cross: Gram, images: int, index: int) -> Int[Array, " q"]:
    """The rows of one new image among all new points."""
    count = cross.shape[0] // images
    return index * count + jnp.arange(count)
