"""New functions of which some values are known, conditioned on those too.

Given the training values, a new function is a Gaussian process with the posterior
covariance C = prior - K_*^T (K + noise)^{-1} K_*. Its own known values s add
C_{.s} (C_ss + noise)^{-1} (y_s - mean_s) to its mean. C is never formed for the mean:
every product with it is one solve with the factor of the training values, made for
all new functions together.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.limits.gram import ImageBlocks
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers import conjugate_gradients
from hyperlimit.regression._noise import check_finite

# New functions taken at once: at most this many entries of their preconditioners.
_ENTRIES = 2**26


class NewFunctions(NamedTuple):
    """New functions seen from a dense solve.

    Attributes:
        factor: of the training values' Gram matrix.
        places: of the training values, which function and which coordinate.
        cross: the kernel between the new functions and the training ones, as
            sum_r left[r, m, n] right[r, q, p].
        prior: the kernel of each function with itself.
        noise: the noise variance.
        known: which values of the new functions are known, (m, q).
    """

    factor: Float[Array, "v v"]
    places: tuple[Int[np.ndarray, " v"], Int[np.ndarray, " v"]]
    cross: tuple[Float[Array, "r m n"], Float[Array, "r q p"]]
    prior: ImageBlocks
    noise: Float[Array, ""]
    known: Bool[np.ndarray, "m q"]


def checked_known(known: ArrayLike, m: int, q: int) -> Bool[np.ndarray, "m q"]:
    """A mask (q,) or (m, q) as (m, q)."""
    mask = np.asarray(known)
    if mask.dtype != bool or mask.shape not in ((q,), (m, q)):
        raise InputError(
            f"known has shape {mask.shape} and type {mask.dtype} for {m} new functions "
            f"at {q} coordinates: give booleans, ({q},) or ({m}, {q})."
        )
    return np.broadcast_to(mask, (m, q))


def checked_values(
    values: ArrayLike, known: Bool[np.ndarray, "m q"], outputs: int, flat: bool
) -> Float[np.ndarray, "m q k"]:
    """Values as (m, q, k), zero where they are not known."""
    array = np.asarray(values)
    wanted = known.shape if flat else (*known.shape, outputs)
    if array.shape != wanted:
        raise InputError(
            f"values have shape {array.shape}: give {wanted}, anything where they are "
            "not known."
        )
    check_finite("known values", array[known])
    array = array[..., None] if flat else array
    return np.where(known[..., None], array, 0)


def correction(
    new: NewFunctions, residual: Float[Array, "m q k"], tolerance: float
) -> Float[Array, "m q k"]:
    """What their own known values add to the means of new functions.

    Args:
        new: the functions.
        residual: known values less their mean; not read elsewhere.
        tolerance: on the relative residual of each function's system.
    """
    m, q, outputs = residual.shape
    alike = bool((new.known == new.known[0]).all())
    step = max(1, _ENTRIES // (q if alike else q * q) // outputs)
    left, right_factor = new.cross
    parts = []
    for start in range(0, m, step):
        part = slice(start, start + step)
        known = jnp.asarray(new.known[part])
        covariance = _Covariance(
            new.factor,
            *map(jnp.asarray, new.places),
            jnp.repeat(left[:, part], outputs, axis=1),
            right_factor,
            jnp.repeat(new.prior.weights[:, part], outputs, axis=1),
            new.prior.blocks,
            new.noise,
            jnp.repeat(known, outputs, axis=0).T,
        )
        first = _covariance_of_one(new, start)
        right = jnp.where(known[..., None], residual[part], 0)
        right = jnp.moveaxis(right, 1, 0)
        # With one mask for all, one factor serves them all.
        masks = known[:1] if alike else jnp.repeat(known, outputs, axis=0)
        solution = conjugate_gradients(
            covariance,
            right.reshape(q, -1),
            _Preconditioner(_masked_factors(first, new.noise, masks)),
            tolerance=tolerance,
        )
        added = _unmasked(covariance, solution.vectors)
        parts.append(jnp.moveaxis(added.reshape(q, -1, outputs), 0, 1))
    return jnp.concatenate(parts)


def conditioned_variance(new: NewFunctions) -> Float[Array, "m q"]:
    """The posterior variance of new functions given their own known values too."""
    return jnp.stack(
        [
            _variance(_covariance_of_one(new, index), jnp.asarray(known), new.noise)
            for index, known in enumerate(new.known)
        ]
    )


class _OfFunctions(AbstractOperator):
    """One operator a column, q x q each: products only, in its own precision."""

    @property
    def T(self) -> "_OfFunctions":
        return self

    def diagonal(self) -> Float[Array, " k"]:
        raise NotImplementedError("every column has a matrix of its own")

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        raise NotImplementedError("every column has a matrix of its own")


class _Covariance(_OfFunctions):
    """C_ss + noise of many functions, a column each, zero where unknown."""

    factor: Float[Array, "v v"]
    image: Int[Array, " v"]
    pixel: Int[Array, " v"]
    left: Float[Array, "r m n"]
    right: Float[Array, "r q p"]
    weights: Float[Array, "s m"]
    blocks: Float[Array, "s q q"]
    noise: Float[Array, ""]
    known: Bool[Array, "q m"]

    @property
    def shape(self) -> tuple[int, int]:
        return self.known.shape[0], self.known.shape[0]

    @property
    def dtype(self) -> Any:
        return self.factor.dtype

    def matmat(self, vectors: Float[Array, "q m"]) -> Float[Array, "q m"]:
        own = vectors.astype(self.dtype)
        product = self.unmasked(own) + self.noise * own
        return jnp.where(self.known, product, 0).astype(vectors.dtype)

    def unmasked(self, v: Float[Array, "q m"]) -> Float[Array, "q m"]:
        """C v at all coordinates."""
        terms = list(zip(self.left, self.right, strict=True))
        spread = sum((b.T @ v)[self.pixel] * a[:, self.image].T for a, b in terms)
        solved = jax.scipy.linalg.cho_solve((self.factor, True), spread)
        parts = (
            weight[None, :] * (block @ v)
            for weight, block in zip(self.weights, self.blocks, strict=True)
        )
        product = sum(parts, start=jnp.zeros_like(v))
        empty = jnp.zeros((self.right.shape[2], v.shape[1]), v.dtype)
        for a, b in terms:
            gathered = empty.at[self.pixel].add(solved * a[:, self.image].T)
            product = product - b @ gathered
        return product


@eqx.filter_jit
def _unmasked(covariance: _Covariance, v: Float[Array, "q m"]) -> Array:
    return covariance.unmasked(v.astype(covariance.dtype))


class _Preconditioner(_OfFunctions):
    """Factors of the first function's masked C + noise, one for each mask."""

    factors: Float[Array, "f q q"]

    @property
    def shape(self) -> tuple[int, int]:
        return self.factors.shape[1], self.factors.shape[1]

    @property
    def dtype(self) -> Any:
        return self.factors.dtype

    def matmat(self, vectors: Float[Array, "q m"]) -> Float[Array, "q m"]:
        if len(self.factors) == 1:
            return jax.scipy.linalg.cho_solve((self.factors[0], True), vectors)
        solved = jax.lax.map(
            lambda pair: jax.scipy.linalg.cho_solve((pair[0], True), pair[1]),
            (self.factors, vectors.T),
        )
        return solved.T


def _covariance_of_one(new: NewFunctions, index: int) -> Float[Array, "q q"]:
    image, pixel = new.places
    left, right = new.cross
    return _posterior(
        new.factor, left[:, index][:, image], right[:, :, pixel], new.prior.of(index)
    )


@jax.jit
def _posterior(factor: Array, left: Array, right: Array, prior: Array) -> Array:
    cross = jnp.einsum("rv,rqv->vq", left, right)
    half = jax.scipy.linalg.solve_triangular(factor, cross, lower=True)
    return prior - half.T @ half


@jax.jit
def _masked_factors(
    covariance: Float[Array, "q q"], noise: Float[Array, ""], known: Bool[Array, "f q"]
) -> Float[Array, "f q q"]:
    def factor(mask: Bool[Array, " q"]) -> Float[Array, "q q"]:
        inside = jnp.where(mask[:, None] & mask[None, :], covariance, 0)
        diagonal = jnp.where(mask, noise, 1)
        return jnp.linalg.cholesky(inside + jnp.diag(diagonal))

    return jax.lax.map(factor, known)


@jax.jit
def _variance(
    covariance: Float[Array, "q q"], known: Bool[Array, " q"], noise: Float[Array, ""]
) -> Float[Array, " q"]:
    (factor,) = _masked_factors(covariance, noise, known[None])
    cross = jnp.where(known[:, None], covariance, 0)
    half = jax.scipy.linalg.solve_triangular(factor, cross, lower=True)
    return jnp.diagonal(covariance) - jnp.sum(half**2, axis=0)
