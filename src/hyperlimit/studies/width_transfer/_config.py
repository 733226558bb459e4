"""What the study of transfer over widths is asked to do."""

from dataclasses import dataclass

from hyperlimit.errors import InputError
from hyperlimit.layers import FourierFeatures
from hyperlimit.networks import Hypernetwork, mlp
from hyperlimit.widths import Rule


@dataclass(frozen=True)
class WidthTransferConfig:
    """Settings of the study of transfer over widths.

    Attributes:
        multiples: of the base's widths; the first is 1.
        base_meta, base_primary: n and m of the base.
        depth: weight layers of f, and of g.
        log_rates: learning rates of Adam, as powers of 2, rising by one step.
        steps, batch, seeds: of training, each seed a network and an order of images.
        tolerance: how far from zero slopes of the coordinate check of muP may be.
        check_...: widths, those of f and g that stay while others vary and those of
            muP's base, seeds, steps, how many images, which coordinates and what is
            added to targets, of the coordinate checks, which `checked` lists.
    """

    seed: int = 0
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    base_meta: int = 32
    base_primary: int = 16
    depth: int = 3
    bandwidth: float = 1.5
    log_rates: tuple[float, ...] = tuple(float(power) for power in range(-14, -3))
    steps: int = 500
    batch: int = 32
    seeds: int = 3
    tolerance: float = 0.1
    check_meta_widths: tuple[int, ...] = (128, 256, 512, 1024)
    check_primary_widths: tuple[int, ...] = (64, 128, 256)
    check_fixed: tuple[int, int] = (256, 64)
    check_base: tuple[int, int] = (64, 64)
    check_seeds: int = 64
    check_steps: int = 3
    # Few, since the sign of a sum of many gradients is of full rank at small widths.
    check_images: int = 4
    check_stride: int = 6
    # So large that outputs at birth, which are random, matter little.
    check_offset: float = 5.0
    checked: tuple[tuple[str, Rule], ...] = tuple(
        (name, rule) for rule in ("adam", "sgd") for name in ("mup", "standard", "ntk")
    )

    def __post_init__(self):
        if self.multiples[0] != 1 or len(self.multiples) < 2:
            raise InputError(
                f"multiples={self.multiples} were given: give 1 and larger ones."
            )
        if len(self.log_rates) < 3:
            raise InputError(
                f"log_rates={self.log_rates} were given: give at least three."
            )

    def description(self, n: int, m: int) -> Hypernetwork:
        """The network at widths of f and of g."""
        features = FourierFeatures(bandwidth=self.bandwidth, count=32, seed=0)
        return Hypernetwork(
            meta=mlp(depth=self.depth, width=n),
            primary=mlp(depth=self.depth, width=m, out=1, inputs=features),
        )

    def at(self, multiple: int) -> Hypernetwork:
        """The network at a multiple of the base's widths."""
        return self.description(multiple * self.base_meta, multiple * self.base_primary)
