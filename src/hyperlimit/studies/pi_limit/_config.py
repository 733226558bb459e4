"""What the study of the pi-limit is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PiLimitConfig:
    """Networks, data and training.

    Attributes:
        side: height and width of the images, in pixels.
        train: training images of a seed.
        test: test images of a seed.
        validation: images for choosing rates and ridges, which no test set has.
        depth: weight layers.
        bias_std: the factor of biases.
        rank: of the pi-limit, and of the projection at finite width.
        pi_widths: of networks with projected updates.
        mup_widths: of networks without.
        seeds: how many.
        epochs: passes over the training images.
        batch: images a step.
        rates: learning rates at the start, of which each method takes the one that
            does best on the validation images; they fall to zero in a straight line.
        ridges: the same for kernels.
        distance_rank: of a limit with which networks are compared; widths are to be
            far above it.
        distance_widths: of these networks.
        distance_draws: how many of each.
        distance_steps: after how many steps.
        distance_rate: the learning rate of these.
        seed: of everything.
    """

    side: int = 14
    train: int = 1000
    test: int = 2000
    validation: int = 500
    depth: int = 3
    bias_std: float = 0.3
    rank: int = 128
    pi_widths: tuple[int, ...] = (1024,)
    mup_widths: tuple[int, ...] = (32, 256, 1024)
    seeds: int = 5
    epochs: int = 32
    batch: int = 10
    rates: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    ridges: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    distance_rank: int = 32
    distance_widths: tuple[int, ...] = (512, 1024, 2048)
    distance_draws: int = 6
    distance_steps: int = 10
    distance_rate: float = 0.5
    seed: int = 0


QUICK = PiLimitConfig(
    side=8,
    train=200,
    test=400,
    validation=100,
    depth=3,
    rank=20,
    pi_widths=(64,),
    mup_widths=(16, 64),
    seeds=4,
    epochs=3,
    rates=(1.0,),
    ridges=(1e-2,),
    distance_rank=20,
    distance_widths=(32, 96, 288),
    distance_draws=6,
    distance_steps=5,
    distance_rate=0.3,
)
