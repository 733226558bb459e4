"""The text as numbers, in the part that is trained on and the part that is not."""

import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from hyperlimit.data import analogies, words
from hyperlimit.studies.word2vec._analogies import questions
from hyperlimit.studies.word2vec._config import Word2VecConfig
from hyperlimit.studies.word2vec._vocabulary import Vocabulary, encoded, vocabulary


class Corpus(NamedTuple):
    """What all networks learn from and are asked.

    Attributes:
        known: the vocabulary, of the whole text.
        training: the words of the beginning that it has.
        held_out: those of the end.
        questions: the analogies between words that it has.
        length: of the text, in words.
        digest: of the text: the first half of its SHA-256.
    """

    known: Vocabulary
    training: Int[np.ndarray, " t"]
    held_out: Int[np.ndarray, " h"]
    questions: Int[np.ndarray, "q 4"]
    length: int
    digest: str

    def summary(self) -> dict[str, object]:
        """What it is, as plain data."""
        return {
            "words": self.length,
            "in_vocabulary": len(self.training) + len(self.held_out),
            "rarest_count": int(self.known.counts[-1]),
            "analogies": len(self.questions),
            "sha256_half": self.digest,
        }


def corpus(config: Word2VecConfig) -> Corpus:
    """Reads the text of the settings.

    Raises:
        InputError: if there is no such text, or it is too short.
    """
    text = words(config.data)
    known = vocabulary(text, config.words)
    every = encoded(text, known)
    end = len(every) - round(config.held_out * len(every))
    return Corpus(
        known,
        every[:end],
        every[end:],
        questions(analogies(), known),
        len(text),
        hashlib.sha256(" ".join(text).encode()).hexdigest()[:32],
    )
