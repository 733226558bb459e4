"""A batch as numbers, the same for every network."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.studies.word2vec._examples import NONE, Batch


class Task(NamedTuple):
    """What is read and what is to be said of it, for b predictions.

    Attributes:
        sources: the s = b + 2w words that are read; any where there is none.
        mixing: the weight of each in what a prediction reads, which is their mean.
        targets: for each prediction its word, then its negatives.
        right: 1 for the word itself, 0 for negatives.
        counted: 0 for a negative that is the word itself, and where there is no word
            or none around it.
    """

    sources: Int[Array, " s"]
    mixing: Float[Array, "b s"]
    targets: Int[Array, "b k"]
    right: Float[Array, " k"]
    counted: Float[Array, "b k"]


def task(batch: Batch) -> Task:
    """Reads a batch."""
    size, length = len(batch.radii), len(batch.words)
    window = (length - size) // 2
    read = jnp.asarray(batch.words)
    words = read[window : window + size, None]
    places = jnp.arange(length, dtype=jnp.int32)
    distance = jnp.abs(places[None] - places[window : window + size, None])
    radii = jnp.asarray(batch.radii)[:, None]
    near = (distance <= radii) & (distance > 0) & (read != NONE)[None]
    number = near.sum(axis=1, keepdims=True)
    present = (number > 0) & (words != NONE)
    mixing = jnp.where(
        near & present, 1 / jnp.where(present, number, 1).astype(float), 0.0
    )
    targets = jnp.concatenate([words, batch.negatives], axis=1)
    first = jnp.arange(targets.shape[1]) == 0
    return Task(
        sources=jnp.where(read != NONE, read, 0),
        mixing=mixing,
        targets=jnp.where(present, targets, 0),
        right=first.astype(mixing.dtype),
        counted=(present & ((targets != words) | first[None])).astype(mixing.dtype),
    )
