"""The most frequent words of a text, and the chances that follow from their counts."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hyperlimit.errors import InputError


class Vocabulary(NamedTuple):
    """Words by their number, the most frequent first.

    Attributes:
        numbers: of each word.
        counts: how often each occurs.
    """

    numbers: dict[str, int]
    counts: Int[np.ndarray, " v"]

    def kept(self, threshold: float) -> Float[np.ndarray, " v"]:
        """The chance that an occurrence is kept, of a word of frequency p.

        min(1, sqrt(t/p) + t/p) with t the threshold: what the authors' program does.
        """
        ratio = threshold * self.counts.sum() / self.counts
        return np.fmin(1.0, np.sqrt(ratio) + ratio)

    def drawn(self, power: float) -> Float[np.ndarray, " v"]:
        """The chance that a negative is a word: proportional to count^power."""
        weights = self.counts.astype(np.float64) ** power
        return weights / weights.sum()


def vocabulary(text: Sequence[str], size: int) -> Vocabulary:
    """The `size` most frequent words; of equally frequent ones the alphabet's first.

    Raises:
        InputError: if the text has fewer different words.
    """
    counts = Counter(text)
    if len(counts) < size:
        raise InputError(
            f"the text has {len(counts)} different words where {size} are wanted: give "
            "a longer one"
        )
    chosen = sorted(counts, key=lambda word: (-counts[word], word))[:size]
    numbers = {word: number for number, word in enumerate(chosen)}
    return Vocabulary(numbers, np.array([counts[word] for word in chosen]))


def encoded(text: Sequence[str], known: Vocabulary) -> Int[np.ndarray, " t"]:
    """The numbers of the words of a text; others are left out."""
    numbers = known.numbers
    return np.array([numbers[word] for word in text if word in numbers], np.int32)
