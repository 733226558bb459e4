"""Fitting functions on images x coordinates, and reading fitted ones back."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from hyperlimit.errors import InputError
from hyperlimit.limits import DualLimit
from hyperlimit.regression._grid import GridRegression
from hyperlimit.regression._grid_dense import dense_factor, solve_densely
from hyperlimit.regression._grid_factors import Metas
from hyperlimit.regression._grid_iteration import iterative_factors, solve_by_iteration
from hyperlimit.regression._grid_problem import GridProblem, Progress, Report, Solved
from hyperlimit.regression._meta_kernels import meta_scale
from hyperlimit.regression._noise import check_finite, check_settings, fitted_amplitude
from hyperlimit.regression._unit_rows import checked_inputs, floating_type

# Up to this many known values a dense factor is formed where some are missing.
DENSE_VALUES = 12_000


def regress_grid(
    limit: DualLimit,
    x: ArrayLike,
    z: ArrayLike,
    targets: ArrayLike,
    *,
    known: ArrayLike | None = None,
    ridge: float = 1e-3,
    kind: Literal["ntk", "nngp"] = "ntk",
    amplitude: float | Literal["ml"] = 1.0,
    tolerance: float = 1e-4,
    progress: Progress | None = None,
) -> GridRegression:
    r"""Fits $y_i(z_p)$ for n inputs $x_i$ at p coordinates, all n p values jointly.

    The Gram matrix of the n p pairs is never formed: with $\varphi$ the angles of
    $f(x_i)$ and $f(x_j)$ it is
    $\sum_k (\Theta_f c_k(\varphi)) \otimes F(\varphi_k, \cdot)$ off the image diagonal,
    with a few terms, and exact on it. Complete targets are solved by preconditioned
    conjugate gradients; incomplete ones by a dense factor of the known values up to
    12,000 of them, and by masked conjugate gradients beyond.

    Args:
        limit: from `dual_limit` of a hypernetwork.
        x: (n, d), rows with |x|^2 = d, as `unit_rows` makes them; or (n, h, w, c)
            for a meta-network that reads `Images` and whose kernels of an image with
            itself are equal, as after `LayerNorm(centre=False)`.
        z: coordinates (p, d_z).
        targets: (n, p) or (n, p, k).
        known: which targets count, (n, p); all by default.
        ridge: the noise variance in units of the mean prior variance.
        kind: "ntk" or "nngp".
        amplitude: the factor of every variance, or "ml" for maximum likelihood.
        tolerance: on the true relative residual; the kernel's expansion is made ten
            times finer, in units of its largest entry.
        progress: told iteration and residual now and then.

    Cost, complete: O(r n p (n + p) k) an iteration, some ten of them, and memory of r
    matrices n x n and p x p.

    Raises:
        InputError: for shapes that disagree, numbers that are not finite, rows of x
            of another length, no known value, or a singular system.
    """
    check_settings(kind, ridge, amplitude)
    dtype = floating_type(x)
    inputs = checked_inputs("x", x, dtype, limit.spec.meta.inputs.rank)
    where = jnp.asarray(z, dtype)
    values = jnp.asarray(targets, dtype)
    values = values[..., None] if values.ndim == 2 else values
    count = (len(inputs), len(where))
    if where.ndim != 2 or values.ndim != 3 or values.shape[:2] != count:
        raise InputError(
            f"targets have shape {np.shape(targets)} for {count[0]} rows of x and "
            f"z of shape {where.shape}: give (n, p) or (n, p, k)."
        )
    observed = _known(known, count)
    check_finite("z", np.asarray(where))
    check_finite("known targets", np.asarray(values)[observed])
    values = jnp.where(observed[..., None], values, 0)
    metas = Metas(limit, kind, meta_scale(limit, inputs))
    problem = GridProblem(metas, inputs, where, observed, ridge, tolerance)
    if _is_dense(observed):
        solved, weights, report = solve_densely(problem, values)
    else:
        solved, weights, report = solve_by_iteration(problem, values, progress)
    quadratic = float(jnp.sum(values * weights))
    numbers = int(observed.sum()) * values.shape[2]
    scale = fitted_amplitude(amplitude, quadratic, numbers)
    return GridRegression(
        *metas,
        inputs,
        where,
        weights,
        problem.noise,
        scale,
        solved,
        tolerance / 10,
        report,
        np.ndim(targets) == 2,
    )


def restored_grid_regression(
    limit: DualLimit,
    kind: str,
    x: Float[Array, "n ..."],
    z: Float[Array, "p dz"],
    weights: Float[Array, "n p k"],
    *,
    known: Bool[np.ndarray, "n p"],
    ridge: float,
    noise: float,
    amplitude: float,
    tolerance: float = 1e-4,
) -> GridRegression:
    """A grid regression from the numbers of a fitted one, without solving again.

    The factors that variances need are computed anew from x and z.
    """
    metas = Metas(limit, kind, meta_scale(limit, x))
    problem = GridProblem(metas, x, z, known, ridge, tolerance)
    solved: Solved = (
        dense_factor(problem) if _is_dense(known) else iterative_factors(problem)[0]
    )
    return GridRegression(
        *metas,
        x,
        z,
        weights,
        noise,
        amplitude,
        solved,
        tolerance / 10,
        Report("restored", 0, 0.0, 0, 0.0),
    )


def _known(given: ArrayLike | None, shape: tuple[int, int]) -> Bool[np.ndarray, "n p"]:
    if given is None:
        return np.ones(shape, bool)
    known = np.asarray(given)
    if known.dtype != bool or known.shape != shape:
        raise InputError(
            f"known has shape {known.shape} and type {known.dtype} for targets of "
            f"{shape}: give one boolean a target."
        )
    if not known.any():
        raise InputError("no target is known: mark at least one.")
    return known


def _is_dense(known: Bool[np.ndarray, "n p"]) -> bool:
    return not known.all() and int(known.sum()) <= DENSE_VALUES
