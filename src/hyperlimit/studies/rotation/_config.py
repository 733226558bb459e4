"""What the rotation study is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RotationConfig:
    """Networks, data and training.

    The published protocol but for: images of 14x14 where those were 28x28, 10,000
    training pairs made from 4,000 digits, 20 epochs where there were 100, since a g of
    width 100 and depth 8 has 80,000 weights and the last layer of f 8 million, on two
    cores; and a learning rate for each network, where there was one for all: the one of
    `rates` that trains networks of other seeds best. At any one rate, either the narrow
    ones are too slow or the wide and deep ones are unstable.

    Attributes:
        side: height and width of the images, in pixels.
        digits: how many different digits training pairs are made from; the rest of
            the 5,000 are for testing.
        train: training pairs.
        test: test pairs.
        meta_widths: the hidden layers of f.
        depths: weight layers of g, a panel each.
        widths: of the hidden layers of g, ascending.
        seeds: how many networks of each width; the data are the same for all.
        tuning_seeds: how many more, of each width, to choose the rate by.
        epochs: passes over the training pairs.
        batch: pairs a step.
        rates: learning rates of stochastic gradient descent without momentum, in
            standard parametrisation.
        seed: of everything.
    """

    side: int = 14
    digits: int = 4000
    train: int = 10000
    test: int = 1000
    meta_widths: tuple[int, ...] = (200, 200, 200, 100)
    depths: tuple[int, ...] = (3, 6, 8)
    widths: tuple[int, ...] = (10, 50, 100)
    seeds: tuple[int, ...] = (12, 4, 3)
    tuning_seeds: tuple[int, ...] = (3, 1, 1)
    epochs: int = 20
    batch: int = 100
    rates: tuple[float, ...] = (0.001, 0.004)
    seed: int = 0


QUICK = RotationConfig(
    side=10,
    digits=2000,
    train=2000,
    test=500,
    meta_widths=(100, 100, 50),
    depths=(3,),
    widths=(5, 50),
    seeds=(3, 3),
    tuning_seeds=(0, 0),
    epochs=6,
    batch=50,
    rates=(0.01,),
)
