"""Two ways to solve for the weights of a grid regression."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hyperlimit.limits import DualLimit
from hyperlimit.linalg import (
    KroneckerSum,
    ModeBlocks,
    conjugate_gradients,
    mode_blocks,
    ridged_cholesky,
    tiled_symmetric,
)
from hyperlimit.regression._grid_factors import (
    Cross,
    angles,
    coordinate_state,
    entries,
    meta_states,
    prior_variance,
    training_gram,
)

# Modes of the preconditioner that keep an exact inverse, and the bytes they may take.
_MODES = 32
_MODE_BYTES = 512 * 2**20

# Known values of the nearest images from which variances of incomplete data come.
_NEAR = 5000


class Solved(eqx.Module):
    """What is left of a solve, for the variance."""

    @abstractmethod
    def explained(self, cross: Cross, exact: bool) -> Float[Array, "m q"]:
        """k^T (K + noise)^{-1} k for every new image and coordinate."""


Facts = tuple[str, int, float, int, float]
Outcome = tuple[Solved, Float[Array, "n p k"], float, Facts]


@final
class SolvedDensely(Solved):
    """The Cholesky factor of the known values' Gram matrix."""

    factor: Float[Array, "v v"]
    image: np.ndarray
    pixel: np.ndarray

    def explained(self, cross: Cross, exact: bool) -> Float[Array, "m q"]:
        """k^T (K + noise)^{-1} k, exactly."""
        del exact
        right_known = cross.right[:, :, self.pixel]
        rows = [
            _explained_by_factor(self.factor, a, right_known)
            for a in jnp.moveaxis(cross.left[:, :, self.image], 1, 0)
        ]
        return jnp.stack(rows)


@jax.jit
def _explained_by_factor(
    factor: Float[Array, "v v"], left: Float[Array, "r v"], right: Array
) -> Float[Array, " q"]:
    cross = jnp.einsum("rv,rqv->vq", left, right)
    half = jax.scipy.linalg.solve_triangular(factor, cross, lower=True)
    return jnp.sum(half**2, axis=0)


def solve_densely(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n d"],
    z: Float[Array, "p dz"],
    values: Float[Array, "n p k"],
    known: Bool[np.ndarray, "n p"],
    ridge: float,
    tolerance: float,
    progress: Callable[[int, float], None] | None,
) -> Outcome:
    """A Cholesky factor of the known values' Gram matrix."""
    del tolerance, progress
    solved, noise = dense_factor(limit, kind, x, z, known, ridge)
    where = (solved.image, solved.pixel)
    solution = jax.scipy.linalg.cho_solve((solved.factor, True), values[where])
    weights = jnp.zeros_like(values).at[where].set(solution)
    return solved, weights, noise, ("dense Cholesky", 0, 0.0, 0, 0.0)


def dense_factor(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n d"],
    z: Float[Array, "p dz"],
    known: Bool[np.ndarray, "n p"],
    ridge: float,
) -> tuple[SolvedDensely, float]:
    """The factor and the noise variance; entries are looked up from two tables."""
    image, pixel = np.nonzero(known)
    tables = (
        meta_states(limit, angles(x, x), x.dtype),
        coordinate_state(limit, z, z),
    )
    indices = (jnp.asarray(image), jnp.asarray(pixel))

    def tile(a: Any, b: Any) -> tuple[Array]:
        return (_entries(limit, kind, *tables, a, b),)

    (gram,) = tiled_symmetric(tile, indices)
    noise = ridge * float(jnp.mean(prior_variance(limit, kind, z)))
    factor = ridged_cholesky(gram, noise, f"{len(image)} known values")
    return SolvedDensely(factor, image, pixel), noise


_entries = jax.jit(entries, static_argnums=(0, 1))


class RidgedGram(eqx.Module):
    """G + noise on the known entries, the identity on the others."""

    gram: KroneckerSum
    noise: Float[Array, ""]
    known: Float[Array, "n p 1"] | None

    def __call__(self, vectors: Float[Array, "n p c"]) -> Float[Array, "n p c"]:
        """The operator, applied."""
        if self.known is None:
            return self.gram @ vectors + self.noise * vectors
        inside = self.known * vectors
        return self.known * (self.gram @ inside) + (
            self.noise * inside + (vectors - inside)
        )


class MaskedInverse(eqx.Module):
    """The inverse of a preconditioner, restricted to the known entries."""

    blocks: ModeBlocks
    known: Float[Array, "n p 1"] | None

    def __call__(self, vectors: Float[Array, "n p c"]) -> Float[Array, "n p c"]:
        """The inverse, applied."""
        if self.known is None:
            return self.blocks(vectors)
        return self.known * self.blocks(self.known * vectors)


@final
class SolvedByIteration(Solved):
    """The operator and its preconditioner, and what the operator was made from."""

    operator: RidgedGram
    inverse: MaskedInverse
    tolerance: float
    limit: DualLimit = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    x: Float[Array, "n d"]
    z: Float[Array, "p dz"]

    def explained(self, cross: Cross, exact: bool) -> Float[Array, "m q"]:
        """With complete targets k^T M^{-1} k for the preconditioner M; with
        incomplete ones what the nearest images alone explain; or exactly, by solves.
        """
        if exact:
            rows = [
                self._by_solves(a, cross.right) for a in jnp.moveaxis(cross.left, 1, 0)
            ]
        elif self.operator.known is None:
            return self.inverse.blocks.quadratic_forms(cross.left, cross.right)
        else:
            rows = [
                self._by_nearest(a, cross.right, nearness)
                for a, nearness in zip(
                    jnp.moveaxis(cross.left, 1, 0), cross.angles, strict=True
                )
            ]
        return jnp.stack(rows)

    def _by_nearest(
        self,
        left: Float[Array, "r n"],
        right: Float[Array, "r q p"],
        nearness: Float[np.ndarray, " n"],
    ) -> Float[Array, " q"]:
        """What the known values of the nearest images explain: a lower bound."""
        known = np.asarray(self.operator.known)[..., 0] > 0
        order = np.argsort(nearness, kind="stable")
        images = order[
            : 1 + int(np.searchsorted(np.cumsum(known[order].sum(1)), _NEAR))
        ]
        subset = np.zeros_like(known)
        subset[images] = known[images]
        image, pixel = (index[:_NEAR] for index in np.nonzero(subset))
        where, place = np.unique(image, return_inverse=True)
        gram = _entries(
            self.limit,
            self.kind,
            meta_states(self.limit, angles(self.x[where], self.x[where]), self.x.dtype),
            coordinate_state(self.limit, self.z, self.z),
            *((jnp.asarray(place), jnp.asarray(pixel)),) * 2,
        )
        factor = ridged_cholesky(
            gram, float(self.operator.noise), f"{len(image)} values"
        )
        return _explained_by_factor(factor, left[:, image], right[:, :, pixel])

    def _by_solves(
        self, left: Float[Array, "r n"], right: Float[Array, "r q p"]
    ) -> Float[Array, " q"]:
        known, parts = self.operator.known, []
        for start in range(0, right.shape[1], 32):
            cross = jnp.einsum("rn,rqp->npq", left, right[:, start : start + 32])
            cross = cross if known is None else known * cross
            solution = conjugate_gradients(
                self.operator, cross, self.inverse, tolerance=self.tolerance
            )
            parts.append(jnp.sum(cross * solution.vectors, axis=(0, 1)))
        return jnp.concatenate(parts)


def solve_by_iteration(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n d"],
    z: Float[Array, "p dz"],
    values: Float[Array, "n p k"],
    known: Bool[np.ndarray, "n p"],
    ridge: float,
    tolerance: float,
    progress: Callable[[int, float], None] | None,
) -> Outcome:
    """Conjugate gradients on the Gram operator, preconditioned by mode blocks."""
    solved, noise, terms, error = iterative_factors(
        limit, kind, x, z, known, ridge, tolerance
    )
    solution = conjugate_gradients(
        solved.operator, values, solved.inverse, tolerance=tolerance, progress=progress
    )
    facts = (
        "conjugate gradients",
        terms,
        error,
        solution.iterations,
        solution.residual,
    )
    return solved, solution.vectors, noise, facts


def iterative_factors(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n d"],
    z: Float[Array, "p dz"],
    known: Bool[np.ndarray, "n p"],
    ridge: float,
    tolerance: float,
) -> tuple[SolvedByIteration, float, int, float]:
    """The operator with its preconditioner, the noise, the terms and their error."""
    gram, expansion = training_gram(limit, kind, x, z, tolerance / 10)
    noise = ridge * float(jnp.mean(jnp.diag(gram.block)))
    strength = jnp.asarray(noise, x.dtype)
    kept = min(_MODES, max(1, _MODE_BYTES // (len(x) ** 2 * x.dtype.itemsize)))
    mask = None if known.all() else jnp.asarray(known[..., None], x.dtype)
    solved = SolvedByIteration(
        RidgedGram(gram, strength, mask),
        MaskedInverse(mode_blocks(gram, strength, kept), mask),
        tolerance,
        limit,
        kind,
        x,
        z,
    )
    return solved, noise, len(gram.left), expansion.error
