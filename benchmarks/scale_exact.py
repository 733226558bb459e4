"""Exactness: mean and variance beside a dense solve in double precision.

Digits of 8 x 8 pixels, the upper half read by f. `regress_grid` solves by conjugate
gradients on the Kronecker sum with entries within atol; the dense solution forms the
kernel of all pairs, and factors it by Cholesky. Errors are largest ones over new images
and pixels: of the mean, and of the variance, each relative to the largest there is, and
of the variance relative to itself.
"""

import argparse
import sys

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from rich.console import Console
from rich.table import Table

import hyperlimit as hl

RIDGE, GOAL = 1e-2, 1e-6


def description(activation: str) -> hl.Hypernetwork:
    """Biases where norms differ, so that the expansion has three variables."""
    bias = 0.0 if activation == "relu" else 0.1
    meta = hl.mlp(depth=3, width=8, activation=activation, bias_std=bias)
    features = hl.FourierFeatures(bandwidth=1.5)
    return hl.Hypernetwork(
        meta, hl.mlp(depth=3, width=8, out=1, activation=activation, inputs=features)
    )


def problem(n: int, new: int, missing: float) -> tuple:
    """Images to train on and new ones, coordinates, targets, what is known."""
    images = hl.data.load("digits").pixels
    images = images[np.random.default_rng(0).permutation(len(images))[: n + new]]
    x = jnp.asarray(images[:, :4].reshape(n + new, -1), jnp.float64)
    z = jnp.asarray(np.stack(np.mgrid[:8, :8], -1).reshape(-1, 2), jnp.float64)
    y = images[:n].reshape(n, -1).astype(np.float64)
    known = np.random.default_rng(1).uniform(size=y.shape) >= missing
    return x[:n], x[n:], z, y - y.mean(axis=0), known


def pairs(x: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Every x with every z."""
    return jnp.repeat(x, len(z), axis=0), jnp.tile(z, (len(x), 1))


def dense(limit, x, new, z, y, known) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance by Cholesky."""
    keep = known.ravel()
    given, fresh = (part[keep] for part in pairs(x, z)), pairs(new, z)
    given = tuple(given)
    gram = np.array(limit.ntk(given))
    gram += RIDGE * gram.diagonal().mean() * np.eye(len(gram))
    factor = scipy.linalg.cho_factor(gram, lower=True)
    cross = np.asarray(limit.ntk(fresh, given))
    mean = cross @ scipy.linalg.cho_solve(factor, y[known])
    explained = np.sum(cross * scipy.linalg.cho_solve(factor, cross.T).T, axis=1)
    return mean, np.asarray(limit.ntk_diagonal(fresh)) - explained


def main() -> int:
    """Prints one row a problem; the exit status is 1 if --check finds one missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--new", type=int, default=5)
    parser.add_argument("--atol", type=float, nargs="+", default=[1e-5, 1e-9])
    parser.add_argument("--activations", nargs="+", default=["relu", "erf", "gelu"])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    table = Table(title=f"{options.images} digits x 64 pixels, ridge {RIDGE}")
    for name in ("activation", "atol", "known", "terms", "mean", "variance", "itself"):
        table.add_column(name, justify="right")
    missed = False
    for activation in options.activations:
        limit = hl.dual_limit(description(activation))
        for missing in (0.0, 0.5):
            x, new, z, y, known = problem(options.images, options.new, missing)
            mean, variance = dense(limit, x, new, z, y, known)
            for atol in options.atol:
                fit = hl.regress_grid(
                    limit,
                    x,
                    z,
                    np.where(known, y, np.nan),
                    known=known,
                    ridge=RIDGE,
                    tolerance=1e-11,
                    atol=atol,
                    solver="iterative",
                )
                found = np.asarray(fit.mean(new)).ravel()
                spread = np.asarray(fit.variance(new, exact=True)).ravel()
                errors = (
                    np.abs(found - mean).max() / np.abs(mean).max(),
                    np.abs(spread - variance).max() / variance.max(),
                    np.abs(spread / variance - 1).max(),
                )
                missed |= atol <= 1e-9 and max(errors[:2]) > GOAL
                terms = fit.problem.gram().report.terms
                table.add_row(
                    activation,
                    f"{atol:.0e}",
                    f"{known.sum():,}",
                    str(terms),
                    *(f"{error:.1e}" for error in errors),
                )
    Console().print(table)
    return int(options.check and missed)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    sys.exit(main())
