"""Simple predictors on the same task: what a kernel has to beat."""

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hyperlimit.limits import dual_limit
from hyperlimit.networks import mlp
from hyperlimit.regression import regress
from hyperlimit.studies.completion._problem import CompletionProblem, seen_part

Floats = NDArray[np.float32]
NEIGHBOURS = 5


def mean_image(problem: CompletionProblem) -> Floats:
    """The mean of the known pixels at each place, for every test image."""
    mean = _pixel_means(problem, np.arange(problem.train.n)[None])
    return np.repeat(mean, problem.test.n, axis=0)


def nearest_neighbours(problem: CompletionProblem) -> Floats:
    """The mean of the known pixels of the nearest training images."""
    count = min(NEIGHBOURS, problem.train.n)
    train, test = (
        problem.flat(images)[:, ~problem.hidden].reshape(images.n, -1)
        for images in (problem.train, problem.test)
    )
    products = test.astype(np.float64) @ train.astype(np.float64).T
    # Squared distances, but for what no training image changes.
    distances = np.sum(train.astype(np.float64) ** 2, axis=1) - 2 * products
    return _pixel_means(problem, np.argsort(distances, axis=1)[:, :count])


def ntk_vector(problem: CompletionProblem) -> Floats:
    """Plain NTK regression from the seen part to the whole image as one vector.

    Needs complete targets: it has no way to miss a pixel.
    """
    config = problem.config
    network = mlp(depth=config.meta_depth, width=1, activation=config.activation, out=1)
    targets = problem.standardised.reshape(problem.train.n, -1)
    fit = regress(
        dual_limit(network),
        jnp.asarray(seen_part(problem.train.pixels, problem.observed)),
        targets,
        ridge=config.ridge,
    )
    predicted = fit.mean(jnp.asarray(seen_part(problem.test.pixels, problem.observed)))
    shape = (problem.test.n, *problem.centre.shape)
    predicted = np.asarray(predicted, np.float32).reshape(shape)
    return predicted * problem.scale + problem.centre


def _pixel_means(problem: CompletionProblem, chosen: NDArray[np.int_]) -> Floats:
    """Means over chosen training images (m, k) of the pixels known in them."""
    flat = problem.flat(problem.train)
    known = problem.known.reshape(problem.train.n, -1, 1)
    overall = (flat * known).sum(axis=(0, 1)) / known.sum()
    results = []
    for images in chosen:
        count = known[images].sum(axis=0)
        total = (flat[images] * known[images]).sum(axis=0)
        results.append(np.where(count > 0, total / np.maximum(count, 1), overall))
    return np.stack(results).astype(np.float32)
