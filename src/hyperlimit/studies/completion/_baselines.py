"""Simple predictors on the same task: what a kernel has to beat."""

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from hyperlimit.data import Images
from hyperlimit.limits import dual_limit
from hyperlimit.networks import mlp
from hyperlimit.regression import regress
from hyperlimit.studies.completion._problem import CompletionProblem, seen_part

Floats = NDArray[np.float32]
# How many neighbours are tried, and on how many training images at most.
_TRIED = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_IMAGES = 500


def mean_image(problem: CompletionProblem) -> Floats:
    """The mean of the known pixels at each place, for every test image."""
    mean = _pixel_means(problem, np.arange(problem.train.n)[None])
    return np.repeat(mean, problem.test.n, axis=0)


def neighbour_count(problem: CompletionProblem) -> int:
    """How many neighbours predict training images best, each from the others.

    The error is that of the known values among the pixels that test images hide.
    """
    images = np.arange(min(_IMAGES, problem.train.n))
    most = min(_TRIED[-1], problem.train.n - 1)
    if most < 1:
        return 1
    ours = _seen_values(problem, problem.train)
    nearest = NearestNeighbors(n_neighbors=most + 1).fit(ours)
    found = nearest.kneighbors(ours[images], return_distance=False)
    # Without themselves: among equal images they need not come first.
    others = np.stack(
        [row[row != i][:most] for i, row in zip(images, found, strict=True)]
    )
    truth = problem.flat(problem.train)[images]
    known = (
        problem.known.reshape(problem.train.n, -1, 1)[images] & problem.hidden[:, None]
    )
    counts = [count for count in _TRIED if count <= most]
    losses = [
        np.sum((_pixel_means(problem, others[:, :count]) - truth) ** 2 * known)
        for count in counts
    ]
    return counts[int(np.argmin(losses))]


def nearest_neighbours(problem: CompletionProblem, count: int) -> Floats:
    """The mean of the known pixels of the nearest training images."""
    train = _seen_values(problem, problem.train)
    index = NearestNeighbors(n_neighbors=min(count, problem.train.n)).fit(train)
    test = _seen_values(problem, problem.test)
    return _pixel_means(problem, index.kneighbors(test, return_distance=False))


def _seen_values(problem: CompletionProblem, images: Images) -> Floats:
    """What the meta-network sees of each image, as a row."""
    return problem.flat(images)[:, ~problem.hidden].reshape(images.n, -1)


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
    """Means over chosen training images (m, k) of the pixels known in them.

    Where none of them has a pixel, the mean of all that have it.
    """
    flat = problem.flat(problem.train)
    known = problem.known.reshape(problem.train.n, -1, 1)
    overall = ((flat * known).sum(axis=(0, 1)) / known.sum()).astype(np.float32)
    every = _means(flat, known, overall)
    return np.stack([_means(flat[rows], known[rows], every) for rows in chosen])


def _means(flat: Floats, known: NDArray[np.bool_], otherwise: Floats) -> Floats:
    """Means of what is known of each pixel."""
    count = known.sum(axis=0)
    means = (flat * known).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, means, otherwise).astype(np.float32)
