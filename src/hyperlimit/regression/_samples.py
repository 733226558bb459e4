"""Draws of whole functions from the posterior of a grid regression."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import Shifted
from hyperlimit.linalg.solvers import gaussian_samples, preconditioner_for
from hyperlimit.regression._grid_problem import GridProblem

# The part of the noise that a joint draw carries in itself, to be definite.
_JITTER = 0.01


def joint_samples(
    problem: GridProblem,
    new: tuple[Float[Array, "m ..."], Float[Array, "q dz"]],
    noise: float,
    count: int,
    seed: int,
) -> tuple[Float[np.ndarray, "v c"], Float[np.ndarray, "mq c"]]:
    """Draws of the prior: noisy at the known values, nearly free of noise at new ones.

    At new values a hundredth of the noise variance is left.
    """
    x, where = new
    jitter = _JITTER * noise
    together = _joint(problem, x, where)
    gram = together.gram()
    groups = None if together.complete else together.image
    inverse = preconditioner_for(gram.operator, jitter, problem.memory, groups, count)
    system = Shifted(gram.operator, jnp.asarray(jitter, gram.operator.dtype))
    drawn = np.asarray(
        gaussian_samples(
            system,
            inverse.operator,
            count=count,
            seed=seed,
            memory=problem.memory,
        )
    )
    old, fresh = _places(problem, len(together.z), len(x), len(where))
    rest = np.random.default_rng([seed, 1]).standard_normal((len(old), count))
    return drawn[old] + (noise - jitter) ** 0.5 * rest, drawn[fresh]


def _joint(
    problem: GridProblem, x: Float[Array, "m ..."], where: Float[Array, "q dz"]
) -> GridProblem:
    """Training and new functions at training and new coordinates."""
    images = jnp.concatenate([problem.x, x])
    if problem.known is None:
        z = [*problem.z, *([where] * len(x))]
        return problem._replace(x=images, z=z)
    same = _same(problem.z, where)
    z = problem.z if same else jnp.concatenate([problem.z, where])
    return problem._replace(x=images, z=z, known=np.ones((len(images), len(z)), bool))


def _same(a: Float[Array, "p dz"], b: Float[Array, "q dz"]) -> bool:
    return a.shape == b.shape and bool((a == b).all())


def _places(
    problem: GridProblem, coordinates: int, m: int, q: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the known values and the new ones are among all that is drawn."""
    if problem.known is None:
        count = len(problem.image)
        return np.arange(count), count + np.arange(m * q)
    n, width = len(problem.x), coordinates
    image, pixel = np.nonzero(problem.known)
    new = (n + np.arange(m))[:, None] * width + (width - q + np.arange(q))[None, :]
    return image * width + pixel, new.reshape(-1)
