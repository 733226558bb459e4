"""What the rotation study is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RotationConfig:
    """Networks, data and training.

    The published protocol but for: images of 14x14 where those were 28x28, 10,000
    training pairs made from 4,000 digits, and 20 epochs where there were 100: a g of
    width 100 and depth 8 has 80,000 weights and the last layer of f 8 million, on two
    cores.

    Attributes:
        side: height and width of the images, in pixels.
        digits: how many different digits training pairs are made from; the rest of
            the 5,000 are for testing.
        train: training pairs.
        test: test pairs.
        meta_widths: the hidden layers of f.
        depths: weight layers of g, a panel each.
        widths: of the hidden layers of g, ascending.
        seeds: how many networks of each; the data are the same for all.
        epochs: passes over the training pairs.
        batch: pairs a step.
        learning_rate: of stochastic gradient descent without momentum, in standard
            parametrisation.
        seed: of everything.
    """

    side: int = 14
    digits: int = 4000
    train: int = 10000
    test: int = 1000
    meta_widths: tuple[int, ...] = (200, 200, 200, 100)
    depths: tuple[int, ...] = (3, 6, 8)
    widths: tuple[int, ...] = (10, 50, 100)
    seeds: int = 4
    epochs: int = 20
    batch: int = 100
    learning_rate: float = 0.01
    seed: int = 0


QUICK = RotationConfig(
    side=10,
    digits=2000,
    train=2000,
    test=500,
    meta_widths=(100, 100, 50),
    depths=(3,),
    widths=(5, 50),
    seeds=3,
    epochs=6,
    batch=50,
)
