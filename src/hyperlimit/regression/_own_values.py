"""New functions of which some values are known, conditioned on those too.

Given the training values, a new function is a Gaussian process with the posterior
covariance C = prior - K_*^T (K + noise)^{-1} K_*. Its own known values s add
C_{.s} (C_ss + noise)^{-1} (y_s - mean_s) to its mean. C is never formed for the mean:
every product with it is one solve with the factor of the training values, made for
all new functions together.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from hyperlimit.errors import InputError
from hyperlimit.linalg import conjugate_gradients
from hyperlimit.regression._grid_dense import SolvedDensely
from hyperlimit.regression._grid_factors import Cross
from hyperlimit.regression._noise import check_finite

# New functions taken at once: at most this many entries of their preconditioners.
_ENTRIES = 2**26


class NewFunctions(NamedTuple):
    """New functions seen from a dense solve.

    Attributes:
        solved: the factor of the training values.
        cross: the kernel between the new functions and the training ones.
        prior: the kernel of one function between its coordinates, (q, q).
        noise: the noise variance.
        known: which values of the new functions are known, (m, q).
    """

    solved: SolvedDensely
    cross: Cross
    prior: Float[Array, "q q"]
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
    parts = []
    for start in range(0, m, step):
        part = slice(start, start + step)
        left = jnp.repeat(new.cross.left[:, part], outputs, axis=1)
        known = jnp.asarray(new.known[part])
        covariance = _Covariance(new, left, jnp.repeat(known, outputs, axis=0).T)
        first = _covariance_of_one(new, new.cross.left[:, start])
        right = jnp.where(known[..., None], residual[part], 0)
        right = jnp.moveaxis(right, 1, 0)
        # With one mask for all, one factor serves them all.
        masks = known[:1] if alike else jnp.repeat(known, outputs, axis=0)
        solution = conjugate_gradients(
            covariance,
            right.reshape(q, 1, -1),
            _Preconditioner(_masked_factors(first, new.noise, masks)),
            tolerance=tolerance,
        )
        added = _unmasked(covariance, solution.vectors[:, 0])
        parts.append(jnp.moveaxis(added.reshape(q, -1, outputs), 0, 1))
    return jnp.concatenate(parts)


def conditioned_variance(new: NewFunctions) -> Float[Array, "m q"]:
    """The posterior variance of new functions given their own known values too."""
    return jnp.stack(
        [
            _variance(_covariance_of_one(new, left), jnp.asarray(known), new.noise)
            for left, known in zip(
                jnp.moveaxis(new.cross.left, 1, 0), new.known, strict=True
            )
        ]
    )


class _Covariance(eqx.Module):
    """C_ss + noise for many functions at once, on (q, 1, m), zero where unknown."""

    factor: Float[Array, "v v"]
    image: Array
    pixel: Array
    left: Float[Array, "r m n"]
    right: Float[Array, "r q p"]
    prior: Float[Array, "q q"]
    noise: Float[Array, ""]
    known: Bool[Array, "q m"]

    def __init__(self, new: NewFunctions, left: Array, known: Array):
        self.factor = new.solved.factor
        self.image, self.pixel = map(jnp.asarray, (new.solved.image, new.solved.pixel))
        self.left, self.right = left, new.cross.right
        self.prior, self.known = new.prior, known
        self.noise = new.noise

    def __call__(self, v: Float[Array, "q 1 m"]) -> Float[Array, "q 1 m"]:
        """(C_ss + noise) v."""
        product = self.unmasked(v[:, 0]) + self.noise * v[:, 0]
        return jnp.where(self.known, product, 0)[:, None]

    def unmasked(self, v: Float[Array, "q m"]) -> Float[Array, "q m"]:
        """C v at all coordinates."""
        terms = list(zip(self.left, self.right, strict=True))
        spread = sum((b.T @ v)[self.pixel] * a[:, self.image].T for a, b in terms)
        solved = jax.scipy.linalg.cho_solve((self.factor, True), spread)
        product = self.prior @ v
        empty = jnp.zeros((self.right.shape[2], v.shape[1]), v.dtype)
        for a, b in terms:
            gathered = empty.at[self.pixel].add(solved * a[:, self.image].T)
            product = product - b @ gathered
        return product


@eqx.filter_jit
def _unmasked(covariance: _Covariance, v: Float[Array, "q m"]) -> Array:
    return covariance.unmasked(v)


class _Preconditioner(eqx.Module):
    """Factors of the first function's masked C + noise, one for each mask."""

    factors: Float[Array, "f q q"]

    def __call__(self, v: Float[Array, "q 1 m"]) -> Float[Array, "q 1 m"]:
        if len(self.factors) == 1:
            return jax.scipy.linalg.cho_solve((self.factors[0], True), v[:, 0])[:, None]
        solved = jax.vmap(lambda f, b: jax.scipy.linalg.cho_solve((f, True), b))(
            self.factors, v[:, 0].T
        )
        return solved.T[:, None]


def _covariance_of_one(
    new: NewFunctions, left: Float[Array, "r n"]
) -> Float[Array, "q q"]:
    solved = new.solved
    right = new.cross.right[:, :, solved.pixel]
    return _posterior(solved.factor, left[:, solved.image], right, new.prior)


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

    return jax.vmap(factor)(known)


@jax.jit
def _variance(
    covariance: Float[Array, "q q"], known: Bool[Array, " q"], noise: Float[Array, ""]
) -> Float[Array, " q"]:
    (factor,) = _masked_factors(covariance, noise, known[None])
    cross = jnp.where(known[:, None], covariance, 0)
    half = jax.scipy.linalg.solve_triangular(factor, cross, lower=True)
    return jnp.diagonal(covariance) - jnp.sum(half**2, axis=0)
