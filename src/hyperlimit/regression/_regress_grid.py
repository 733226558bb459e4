"""Fitting functions on images x coordinates, and reading fitted ones back."""

from collections.abc import Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from hyperlimit import likelihood
from hyperlimit.errors import InputError
from hyperlimit.limits import DualLimit
from hyperlimit.linalg.solvers import AbstractKeeper
from hyperlimit.regression._grid import GridRegression
from hyperlimit.regression._grid_dense import dense_factor, solve_densely
from hyperlimit.regression._grid_inputs import checked_images, grid_inputs
from hyperlimit.regression._grid_iteration import iterative_factors, solve_by_iteration
from hyperlimit.regression._grid_problem import (
    DENSE_VALUES,
    GridProblem,
    Progress,
    Report,
    Solved,
)
from hyperlimit.regression._noise import check_settings, fitted_amplitude
from hyperlimit.regression._unit_rows import floating_type

Solver = Literal["auto", "dense", "iterative"]


def regress_grid(
    limit: DualLimit,
    x: ArrayLike,
    z: ArrayLike | Sequence[ArrayLike],
    targets: ArrayLike | Sequence[ArrayLike],
    *,
    known: ArrayLike | None = None,
    ridge: float = 1e-3,
    kind: Literal["ntk", "nngp"] = "ntk",
    amplitude: float | Literal["ml"] = 1.0,
    tolerance: float = 1e-4,
    atol: float | None = None,
    solver: Solver = "auto",
    memory: int = 2**30,
    tune: bool = False,
    progress: Progress | None = None,
    keeper: AbstractKeeper | None = None,
) -> GridRegression:
    r"""Fits $y_i(z_p)$ for n inputs $x_i$ at p coordinates, all n p values jointly.

    The Gram matrix of the n p pairs is never formed: it is a sum of a few Kronecker
    products of images and coordinates and an exact block diagonal, `limit.gram`.
    Complete targets are solved by conjugate gradients, preconditioned in a Kronecker
    product of eigenvectors; incomplete ones by a dense factor of the known values up
    to 12,000 of them, and by conjugate gradients with a partial Cholesky factor
    beyond. Residuals are computed in double precision.

    Error bars are those of the regression with this kernel. With all targets known,
    $x_i$ of a new image says what its function is like near the training images', and
    gradients beyond.

    Args:
        limit: from `dual_limit` of a hypernetwork.
        x: (n, d), or (n, h, w, c) for a meta-network that reads `Images`.
        z: coordinates (p, d_z); or of each function its own, n arrays (p_i, d_z).
        targets: (n, p) or (n, p, k); for own coordinates n arrays (p_i,) or (p_i, k).
        known: which targets count, (n, p); all by default.
        ridge: the noise variance in units of the mean prior variance.
        kind: "ntk" or "nngp".
        amplitude: the factor of every variance, or "ml" for maximum likelihood.
        tolerance: on the true relative residual.
        atol: of a kernel entry; by default 1e-6 of the largest.
        solver: "dense", "iterative", or "auto" as said above.
        memory: bytes that the Gram matrix's left factors may take, and again the
            preconditioner; beyond, factors are made anew in every product.
        tune: first learn the bandwidth, the ridge, weight and bias scales by the
            marginal likelihood, as `hyperlimit.tune` does from here; the fit's `limit`
            and `noise` are what it found. Call that for its settings and its report.
        progress: told iteration and residual now and then.
        keeper: keeps an iterative solve, so that it can be ended and go on.

    Cost, complete: $2 r n p (n + p) k$ flops an iteration for r terms, some ten
    iterations, and $9 n^3 + O(p^3)$ once. Incomplete: the same an iteration, however
    few are known. With own coordinates: all $v^2$ entries of v values an iteration.

    Raises:
        InputError: for shapes that disagree, numbers that are not finite, no known
            value, entries that `atol` forbids, or a singular system.
    """
    check_settings(kind, ridge, amplitude)
    if solver not in ("auto", "dense", "iterative"):
        raise InputError(
            f"solver={solver!r} is not one: give 'auto', 'dense' or 'iterative'."
        )
    images = checked_images("x", x, floating_type(x), limit.spec.meta.inputs.rank)
    given = grid_inputs(images, z, targets, known)
    if tune:
        if given.known is None:
            raise InputError(
                "tune=True was given with coordinates of every function's own: give "
                "functions on common coordinates with known, or tune beforehand."
            )
        # Called by its module: the argument has the function's name.
        found = likelihood.tune(
            limit,
            images,
            given.z,
            np.asarray(targets),
            given.known,
            ridge=ridge,
            kind=kind,
            memory=memory,
        )
        limit, ridge = DualLimit(found.spec), found.ridge
    problem = GridProblem(
        limit, kind, images, given.z, given.known, atol, tolerance, memory
    )
    if _is_dense(problem, solver):
        noise = ridge * _mean_prior(problem)
        solved, weights, report = solve_densely(problem, given.values, noise)
    else:
        gram = problem.gram()
        noise = ridge * float(np.mean(np.asarray(gram.diagonal())))
        solved, weights, report = solve_by_iteration(
            problem, gram, given.values, noise, progress, keeper
        )
    quadratic = float(jnp.sum(given.values * weights))
    scale = fitted_amplitude(amplitude, quadratic, given.values.size)
    return GridRegression(
        problem, given.values, weights, noise, scale, solved, report, given.flat
    )


def restored_grid_regression(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n ..."],
    z: Float[Array, "p dz"],
    values: Float[Array, "v k"],
    weights: Float[Array, "v k"],
    *,
    known: Bool[np.ndarray, "n p"],
    noise: float,
    amplitude: float,
    tolerance: float = 1e-4,
    memory: int = 2**30,
) -> GridRegression:
    """A grid regression from the numbers of a fitted one, without solving again.

    The factors that variances need are computed anew from x and z.
    """
    problem = GridProblem(limit, kind, x, z, known, None, tolerance, memory)
    solved: Solved = (
        dense_factor(problem, noise)
        if _is_dense(problem, "auto")
        else iterative_factors(problem, problem.gram(), noise)
    )
    report = Report("restored", "none", 0, None, 0, None, None)
    return GridRegression(problem, values, weights, noise, amplitude, solved, report)


def _mean_prior(problem: GridProblem) -> float:
    """The mean prior variance of the known values."""
    if problem.known is None:
        parts = [
            problem.blocks(problem.x[i : i + 1], part).variance[0]
            for i, part in enumerate(problem.z)
        ]
        return float(np.mean(np.concatenate([np.asarray(part) for part in parts])))
    prior = np.asarray(problem.blocks(problem.x, problem.z).variance)
    return float(prior[problem.known].mean())


def _is_dense(problem: GridProblem, solver: Solver) -> bool:
    if solver != "auto":
        return solver == "dense"
    return not problem.complete and len(problem.image) <= DENSE_VALUES
