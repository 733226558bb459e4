"""What the study of word embeddings is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word2VecConfig:
    """Text, networks and training.

    The published protocol but for: the text, of 0.45 million words where that had 17;
    3 epochs where there were 15; the rate, 0.2 where it was 0.05, for so few steps; 8
    consecutive words a step where each was one; and no decay of the weights.

    Attributes:
        data: the text, as `hyperlimit.data.words` takes it.
        words: of the vocabulary, the most frequent ones; the width of the limit.
        widths: of finite networks in muP, ascending.
        births: how many networks of each width a seed has; their mean is what counts.
        ntk_widths: of finite networks in NTK parametrisation, ascending.
        seeds: how many runs, each with networks, windows and negatives of its own.
        epochs: passes over the text.
        batch: words of a step, consecutive ones.
        window: the most words on each side that are read.
        negatives: words drawn for each that is predicted.
        power: of the count, to which the chance of a negative is proportional.
        threshold: the frequency above which occurrences are left out.
        rate: the learning rate at the beginning; it falls linearly to 0.
        held_out: the share of the text, at its end, that is not trained on.
        seed: of everything.
    """

    data: str = "wikipedia"
    words: int = 2000
    widths: tuple[int, ...] = (16, 64, 256, 1024)
    births: tuple[int, ...] = (8, 4, 2, 1)
    ntk_widths: tuple[int, ...] = (64, 256, 1024)
    seeds: int = 4
    epochs: int = 3
    batch: int = 8
    window: int = 8
    negatives: int = 25
    power: float = 0.75
    threshold: float = 1e-4
    rate: float = 0.2
    held_out: float = 0.05
    seed: int = 0


QUICK = Word2VecConfig(
    words=1000,
    widths=(16, 64),
    births=(2, 1),
    ntk_widths=(64,),
    seeds=2,
    epochs=2,
    rate=0.3,
)
