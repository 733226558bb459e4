"""What the study of optimisation is asked to do."""

from dataclasses import dataclass

from hyperlimit.errors import InputError
from hyperlimit.networks import Hypernetwork, mlp


@dataclass(frozen=True)
class OptimisationConfig:
    """Settings of the study of optimisation.

    f reads a whole image of 64 pixels; g, of one hidden layer, has the coordinates of
    a pixel in two numbers and is to give its value, for a few pixels of every image.
    """

    seed: int = 0
    images: int = 6
    pixels: int = 12
    activations: tuple[str, ...] = ("relu", "sin")
    # Of g, ascending; at the narrow ones it is asked what the stops are.
    widths: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
    narrow: tuple[int, ...] = (1, 2)
    draws: int = 48
    # Of finite networks, for which g has these widths, and f that one.
    finite_widths: tuple[int, ...] = (1, 4, 16)
    meta_width: int = 512
    finite_draws: int = 16
    # Of gradient descent with momentum; in its second half the rate falls to nothing.
    steps: int = 10_000
    learning_rate: float = 0.3
    momentum: float = 0.9
    # A share of an image's variance that counts as left.
    visible: float = 0.01

    def __post_init__(self):
        for name in ("draws", "finite_draws", "pixels", "steps"):
            if getattr(self, name) < 2:
                raise InputError(
                    f"{name}={getattr(self, name)} was given: give at least 2."
                )
        if not (1 <= self.images <= 10 and self.pixels <= 36):
            raise InputError(
                f"images={self.images} and pixels={self.pixels} were given: give at "
                "most one of each of ten digits, and 36 pixels."
            )
        ascending = sorted(set(self.widths)) == list(self.widths)
        if not (self.widths and ascending and set(self.narrow) <= set(self.widths)):
            raise InputError(
                f"widths={self.widths} and narrow={self.narrow} were given: give "
                "ascending widths, and some of them as the narrow ones."
            )

    def spec(self, activation: str, width: int) -> Hypernetwork:
        """The hypernetwork for a width of g."""
        return Hypernetwork(
            meta=mlp(depth=2, width=self.meta_width, bias_std=0.1),
            primary=mlp(
                depth=2, width=width, activation=activation, bias_std=1.0, out=1
            ),
        )
