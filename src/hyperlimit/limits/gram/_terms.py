"""The left factors: polynomials of f's angle between images."""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from hyperlimit.limits._walk import walk
from hyperlimit.limits.gram._meta_kernels import angles
from hyperlimit.linalg.operators import AbstractSource
from hyperlimit.networks import Network


class AbstractFactors(eqx.Module):
    """Left factors of some terms, as functions of two images."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many terms."""

    @property
    @abstractmethod
    def T(self) -> "AbstractFactors":
        """The terms of the transposes, for images that change sides."""

    @abstractmethod
    def __call__(
        self,
        angle: Float[Array, "m n"],
        tangent: Float[Array, "m n"],
        left: "Scales",
        right: "Scales",
    ) -> Float[Array, "r m n"]:
        """The r terms."""


class Scales(eqx.Module):
    """An image's deviation: on [-1, 1], and in units of the geometric middle's."""

    unit: Float[Array, " n"]
    size: Float[Array, " n"]

    def __getitem__(self, index: Array | slice) -> "Scales":
        return Scales(self.unit[index], self.size[index])


@final
class Polynomials(AbstractFactors):
    r"""$(s s')^h c_k(s, s', \varphi)$, times $\tau$ for a part that is linear in it.

    Attributes:
        coefficients: (r, a, a, d), in Chebyshev polynomials.
        largest_angle: the angle's range is [0, it].
        degree: h.
    """

    coefficients: Float[Array, "r a a d"]
    largest_angle: Float[Array, ""]
    degree: float = eqx.field(static=True)
    with_tangent: bool = eqx.field(static=True)

    @property
    def count(self) -> int:
        """How many terms."""
        return len(self.coefficients)

    @property
    def T(self) -> "Polynomials":
        """The terms of the transposes, for images that change sides."""
        turned = jnp.swapaxes(self.coefficients, 1, 2)
        return eqx.tree_at(lambda p: p.coefficients, self, turned)

    def __call__(
        self,
        angle: Float[Array, "m n"],
        tangent: Float[Array, "m n"],
        left: Scales,
        right: Scales,
    ) -> Float[Array, "r m n"]:
        """The r terms."""
        count, powers = self.coefficients.shape[1], self.coefficients.shape[3]
        # (d, m, n): one matrix product then makes all terms.
        basis = chebyshev(2 * angle / self.largest_angle - 1, powers)
        if count == 1:
            terms = jnp.einsum("rd,dmn->rmn", self.coefficients[:, 0, 0], basis)
        else:
            one, two = (chebyshev(side.unit, count) for side in (left, right))

            def term(coefficients: Float[Array, "a a d"]) -> Float[Array, "m n"]:
                rows = jnp.einsum("am,abd->mbd", one, coefficients)
                return jnp.einsum("mbd,bn,dmn->mn", rows, two, basis)

            terms = jax.lax.map(term, self.coefficients)
        factor = jnp.ones_like(angle) if not self.with_tangent else tangent
        if self.degree:
            one, two = (side.size**self.degree for side in (left, right))
            factor = factor * (one[:, None] * two[None, :])
        return terms * factor[None]


def chebyshev(x: Float[Array, "..."], count: int) -> Float[Array, "d ..."]:
    """T_0, ..., T_{d-1} at x."""
    rows = [jnp.ones_like(x), x]
    while len(rows) < count:
        rows.append(2 * x * rows[-1] - rows[-2])
    return jnp.stack(rows[:count])


@final
class KeptAngles(AbstractSource):
    """Terms made from f's angles and NTK, which are kept: 2 m n numbers.

    Attributes:
        square: whether left and right are the same images: the terms then have no
            diagonal.
    """

    factors: tuple[AbstractFactors, ...]
    angle: Float[Array, "m n"]
    tangent: Float[Array, "m n"]
    left: Scales
    right: Scales
    square: bool = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""
        return _count(self.factors), self.angle.shape[0], self.angle.shape[1]

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.angle.dtype

    def made(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"] | None
    ) -> Float[Array, "r a b"]:
        """Entries; without `columns` all of these rows."""
        angle, tangent = self.angle[rows], self.tangent[rows]
        right = self.right
        if columns is not None:
            angle, tangent = angle[:, columns], tangent[:, columns]
            right = right[columns]
        terms = _terms(self.factors, angle, tangent, self.left[rows], right)
        return _without_diagonal(terms, rows, columns) if self.square else terms

    @property
    def T(self) -> "KeptAngles":
        """The source of the transposes."""
        return KeptAngles(
            tuple(one.T for one in self.factors),
            self.angle.T,
            self.tangent.T,
            self.right,
            self.left,
            self.square,
        )


@final
class RemadeAngles(AbstractSource):
    """Terms made from the images themselves, for as little memory as there is.

    Attributes:
        a, b: what f's kernels need of each image, leading axes m and n.
    """

    factors: tuple[AbstractFactors, ...]
    meta: Network = eqx.field(static=True)
    a: PyTree
    b: PyTree
    left: Scales
    right: Scales
    square: bool = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(r, m, n)."""
        m, n = len(self.left.unit), len(self.right.unit)
        return _count(self.factors), m, n

    @property
    def dtype(self) -> Any:
        """Of the entries."""
        return self.left.unit.dtype

    def made(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"] | None
    ) -> Float[Array, "r a b"]:
        """Entries; without `columns` all of these rows."""
        chosen = slice(None) if columns is None else columns
        a, b = _part(self.a, rows), _part(self.b, chosen)
        state = walk(self.meta, self.meta.limit_inputs.gram_state(a, b))
        angle, right = angles(state.pair.gap), self.right[chosen]
        left = self.left[rows]
        terms = _terms(self.factors, angle, state.tangent, left, right)
        return _without_diagonal(terms, rows, columns) if self.square else terms

    @property
    def T(self) -> "RemadeAngles":
        """The source of the transposes."""
        factors = tuple(one.T for one in self.factors)
        return RemadeAngles(
            factors, self.meta, self.b, self.a, self.right, self.left, self.square
        )


def _part(prepared: PyTree, index: Array | slice) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[index], prepared)


def _count(factors: tuple[AbstractFactors, ...]) -> int:
    return sum(one.count for one in factors)


def _terms(
    factors: tuple[AbstractFactors, ...],
    angle: Array,
    tangent: Array,
    left: Scales,
    right: Scales,
) -> Float[Array, "r m n"]:
    return jnp.concatenate([one(angle, tangent, left, right) for one in factors])


def _without_diagonal(
    terms: Float[Array, "r a b"], rows: Array, columns: Array | None
) -> Float[Array, "r a b"]:
    there = jnp.arange(terms.shape[2]) if columns is None else columns
    return jnp.where(rows[:, None] == there[None, :], 0, terms)
