"""How well embeddings answer analogies."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from hyperlimit.data import Analogy
from hyperlimit.errors import InputError
from hyperlimit.studies.word2vec._vocabulary import Vocabulary


def questions(every: Sequence[Analogy], known: Vocabulary) -> Int[np.ndarray, "q 4"]:
    """The analogies all of whose words are known, as their numbers.

    But for those whose answer is one of the words asked with, which is none.

    Raises:
        InputError: if there are none.
    """
    numbers = known.numbers
    found = [
        [numbers[word] for word in analogy]
        for analogy in every
        if all(word in numbers for word in analogy) and analogy.d not in analogy[:3]
    ]
    if not found:
        raise InputError(
            f"none of the {len(every)} analogies has all its words among the "
            f"{len(numbers)} most frequent of the text: give an English text"
        )
    return np.array(found)


def accuracy(
    embeddings: Float[np.ndarray, "v n"], asked: Int[np.ndarray, "q 4"], top: int
) -> float:
    """The share of analogies a : b = c : d whose d is among the `top` answers.

    Answers are words other than a, b and c, by the cosine with b - a + c of embeddings
    of length one. Words of equal cosine are taken in random order, of which this is
    the mean: embeddings at right angles answer as guesses do.
    """
    unit = _unit(embeddings)
    a, b, c, d = asked.T
    cosines = (unit[b] - unit[a] + unit[c]) @ unit.T
    rows = np.arange(len(asked))
    right = cosines[rows, d][:, None]
    cosines[rows[:, None], asked[:, :3]] = -np.inf
    above = np.sum(cosines > right, axis=1)
    equal = np.sum(cosines == right, axis=1)
    return float(np.mean(np.clip((top - above) / equal, 0, 1)))


def chance(words: int, top: int) -> float:
    """The share that guesses among all words but a, b and c get right."""
    return min(1.0, top / (words - 3))


def cosines_apart(
    one: Float[np.ndarray, "v n"], two: Float[np.ndarray, "v m"]
) -> float:
    """The root mean square difference of the cosines of two distinct words."""
    unit, other = _unit(one), _unit(two)
    difference = unit @ unit.T - other @ other.T
    words = len(one)
    return float(np.linalg.norm(difference) / (words * (words - 1)) ** 0.5)


def _unit(embeddings: Float[np.ndarray, "v n"]) -> Float[np.ndarray, "v n"]:
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
