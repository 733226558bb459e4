"""The random numbers of training: which words are read, how far, and against what."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from hyperlimit.studies.word2vec._config import Word2VecConfig
from hyperlimit.studies.word2vec._vocabulary import Vocabulary

# No word: before the beginning and after the end of the text.
NONE = -1
# Batches that are taken together.
TOGETHER = 128


class Batch(NamedTuple):
    """Consecutive words of the text, to be predicted from those around them.

    With a leading axis, many of them.

    Attributes:
        words: the b of them between w on each side, or NONE.
        radii: how far each reads, 1 to w.
        negatives: k words for each, drawn.
        rate: of learning.
    """

    words: Int[np.ndarray | Array, "*s b+2*w"]
    radii: Int[np.ndarray | Array, "*s b"]
    negatives: Int[np.ndarray | Array, "*s b k"]
    rate: Float[np.ndarray | Array, "*s"]


def thinned(
    text: Int[np.ndarray, " t"],
    known: Vocabulary,
    config: Word2VecConfig,
    generator: np.random.Generator,
) -> Int[np.ndarray, " _"]:
    """The text without those occurrences of frequent words that chance leaves out."""
    kept = known.kept(config.threshold)[text]
    return text[generator.uniform(size=len(text)) < kept]


def batches(
    text: Int[np.ndarray, " t"],
    known: Vocabulary,
    config: Word2VecConfig,
    generator: np.random.Generator,
    rates: tuple[float, float],
) -> Batch:
    """A text in batches, in its order, with radii and negatives drawn.

    There are empty ones at the end, up to a multiple of TOGETHER.

    Args:
        text: without the occurrences that are left out.
        known: its vocabulary.
        config: gives the sizes.
        generator: of radii and negatives.
        rates: of learning at the beginning and at the end, linear between.
    """
    size, window = config.batch, config.window
    needed = -(-len(text) // size)
    steps = -(-needed // TOGETHER) * TOGETHER
    padded = np.full(steps * size + 2 * window, NONE, np.int32)
    padded[window : window + len(text)] = text
    starts = np.arange(steps)[:, None] * size
    chances = known.drawn(config.power).cumsum()
    draws = generator.uniform(size=(steps, size, config.negatives))
    return Batch(
        words=padded[starts + np.arange(size + 2 * window)],
        radii=generator.integers(1, window + 1, (steps, size), np.int32),
        # The last sum may be a rounding below 1.
        negatives=np.searchsorted(chances[:-1], draws, side="right").astype(np.int32),
        rate=rates[0] + (rates[1] - rates[0]) * np.arange(steps) / needed,
    )


def parts(every: Batch) -> Iterator[Batch]:
    """TOGETHER batches at a time."""
    for start in range(0, len(every.rate), TOGETHER):
        yield Batch(*(array[start : start + TOGETHER] for array in every))
