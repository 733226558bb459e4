"""What the study of Taylor exponents is asked to do."""

from dataclasses import dataclass
from typing import NamedTuple

from hyperlimit.empirical import Vary
from hyperlimit.errors import InputError
from hyperlimit.networks import Hypernetwork, Network, mlp


class Case(NamedTuple):
    """A network, whose width varies, and how often it is drawn."""

    name: str
    spec: Hypernetwork | Network
    vary: Vary
    widths: tuple[int, ...]
    order: int
    seeds: int


@dataclass(frozen=True)
class TaylorConfig:
    """Settings of the study of Taylor exponents.

    Networks are of ReLU, without biases; f reads 4 numbers and g 2, all one, so that
    every preactivation has unit variance. Widths are so large that what is left of
    them in the slopes is below the intervals: theory is about infinite ones.
    """

    seed: int = 0
    network_widths: tuple[int, ...] = (128, 256, 512, 1024)
    meta_widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    both_widths: tuple[int, ...] = (128, 256, 512, 1024)
    primary_widths: tuple[int, ...] = (256, 512, 1024, 2048)
    # The width that does not vary, of f and of g.
    fixed_meta: int = 16
    fixed_primary: int = 8
    network_seeds: int = 1000
    hyper_seeds: int = 2000
    largest_order: int = 5
    # One in twenty rows would miss a true exponent at 95%.
    level: float = 0.99

    def __post_init__(self):
        for name in ("network_seeds", "hyper_seeds", "largest_order"):
            if getattr(self, name) < 2:
                raise InputError(
                    f"{name}={getattr(self, name)} was given: give at least 2."
                )

    def cases(self) -> tuple[Case, ...]:
        """Every network of the study."""
        found = [
            Case(
                "plain network, L = 3",
                mlp(depth=3, width=1, out=1),
                "network",
                self.network_widths,
                min(3, self.largest_order),
                self.network_seeds,
            )
        ]
        found += [
            self._case(f"f wide, H = {depth}", "meta", self.meta_widths, depth)
            for depth in (2, 3)
        ]
        found.append(self._case("g wide, H = 2", "primary", self.primary_widths, 2))
        both = self._case("f and g wide, H = 2", "both", self.both_widths, 2)
        found.append(both._replace(seeds=self.network_seeds))
        return tuple(found)

    def _case(self, name: str, vary: Vary, widths: tuple[int, ...], depth: int) -> Case:
        spec = Hypernetwork(
            meta=mlp(depth=2, width=self.fixed_meta),
            primary=mlp(depth=depth, width=self.fixed_primary, out=1),
        )
        # f has two layers, so that h is of degree two in every layer of g.
        order = min(depth + 2, self.largest_order)
        return Case(name, spec, vary, widths, order, self.hyper_seeds)
