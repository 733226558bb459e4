"""A grid regression solved by conjugate gradients on its Kronecker sum."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.linalg import (
    KroneckerSum,
    ModeBlocks,
    conjugate_gradients,
    mode_blocks,
)
from hyperlimit.regression._grid_dense import dense_factor
from hyperlimit.regression._grid_factors import Cross, training_gram
from hyperlimit.regression._grid_problem import (
    GridProblem,
    Outcome,
    Progress,
    Report,
    Solved,
)

# Modes of the preconditioner that keep an exact inverse, and the bytes they may take.
_MODES = 32
_MODE_BYTES = 512 * 2**20

# Known values of the nearest images from which variances of incomplete data come.
NEAR_VALUES = 5000


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
    problem: GridProblem

    def explained(self, cross: Cross, exact: bool) -> Float[Array, "m q"]:
        """With complete targets k^T M^{-1} k for the preconditioner M; with
        incomplete ones what the nearest images alone explain; or exactly, by solves.
        """
        if exact:
            rows = [
                self._by_solves(a, cross.right) for a in jnp.moveaxis(cross.left, 1, 0)
            ]
            return jnp.stack(rows)
        if self.operator.known is None:
            return self.inverse.blocks.quadratic_forms(cross.left, cross.right)
        rows = [
            self._by_nearest(cross, index, NEAR_VALUES)
            for index in range(cross.left.shape[1])
        ]
        return jnp.concatenate(rows)

    def _by_nearest(
        self, cross: Cross, index: int, limit_of_values: int
    ) -> Float[Array, "1 q"]:
        """What the known values of the nearest images explain: a lower bound."""
        problem = self.problem
        known = problem.known
        order = np.argsort(cross.angles[index], kind="stable")
        counts = np.cumsum(known[order].sum(axis=1))
        chosen = order[: 1 + int(np.searchsorted(counts, limit_of_values))]
        subset = np.flatnonzero(np.isin(np.arange(len(known)), chosen))
        # The last image is cut, so that every factor has one shape to compile for.
        kept = np.cumsum(known[subset].ravel()) <= limit_of_values
        near = problem._replace(
            x=problem.x[subset], known=known[subset] & kept.reshape(len(subset), -1)
        )
        left = cross.left[:, index : index + 1, subset]
        part = Cross(left, cross.right, cross.angles[index : index + 1, subset])
        return dense_factor(near).explained(part, exact=True)

    def _by_solves(
        self, left: Float[Array, "r n"], right: Float[Array, "r q p"]
    ) -> Float[Array, " q"]:
        known, parts = self.operator.known, []
        for start in range(0, right.shape[1], 32):
            cross = jnp.einsum("rn,rqp->npq", left, right[:, start : start + 32])
            cross = cross if known is None else known * cross
            solution = conjugate_gradients(
                self.operator, cross, self.inverse, tolerance=self.problem.tolerance
            )
            parts.append(jnp.sum(cross * solution.vectors, axis=(0, 1)))
        return jnp.concatenate(parts)


def solve_by_iteration(
    problem: GridProblem, values: Float[Array, "n p k"], progress: Progress | None
) -> Outcome:
    """Solves for the weights of the known values, (n, p, k)."""
    solved, terms, error = iterative_factors(problem)
    solution = conjugate_gradients(
        solved.operator,
        values,
        solved.inverse,
        tolerance=problem.tolerance,
        progress=progress,
    )
    report = Report(
        "conjugate gradients", terms, error, solution.iterations, solution.residual
    )
    return solved, solution.vectors, report


def iterative_factors(problem: GridProblem) -> tuple[SolvedByIteration, int, float]:
    """The operator with its preconditioner, its terms, and their error."""
    metas, x, z, known = problem[:4]
    gram, error = training_gram(metas, x, z, problem.tolerance / 10)
    noise = jnp.asarray(problem.noise, x.dtype)
    kept = min(_MODES, max(1, _MODE_BYTES // (len(x) ** 2 * x.dtype.itemsize)))
    mask = None if known.all() else jnp.asarray(known[..., None], x.dtype)
    solved = SolvedByIteration(
        RidgedGram(gram, noise, mask),
        MaskedInverse(mode_blocks(gram, noise, kept), mask),
        problem,
    )
    return solved, len(gram.left), error
