"""How parameters enter a computation."""

import itertools
from dataclasses import dataclass, field
from typing import NamedTuple


class Landing(NamedTuple):
    """An output of the function that is, up to a factor, a piece of an entry."""

    output: int
    scale: float


class Product(NamedTuple):
    """One parameter's part in a product $y = s\\,p\\,a$.

    Attributes:
        parameter, number: which parameter, and which product in order of evaluation.
        left: whether p is the first operand.
        scale: s, what p was multiplied by before.
        positions: how many vectors a the same p is multiplied with.
    """

    parameter: int
    number: int
    left: bool
    scale: float
    positions: int


class Source(NamedTuple):
    """Where the entries of an array come from, one by one and up to a scale.

    Attributes:
        parameter: from this parameter,
        product: or from the product of that number that it is part of, if not None.
        scale: the factor.
        start, stop: which of the entries.
        ordered: whether they are still in order.
    """

    parameter: int
    product: int | None
    scale: float
    start: int
    stop: int
    ordered: bool

    @property
    def length(self) -> int:
        """How many entries."""
        return self.stop - self.start


@dataclass(frozen=True)
class Entry:
    r"""How one parameter enters.

    One that enters a single product $y = s\,p\,a$, for some rearrangement of p, has the
    gradient $s\,\bar y \otimes a$. One that enters any other way, or often, has the
    gradient $\bar p$. `landings` are not None where y, or p, goes to outputs alone and
    entry by entry, so that their cotangents are its own.
    """

    product: Product | None = None
    landings: tuple[Landing, ...] | None = None
    used: bool = True

    @property
    def scale(self) -> float:
        """s, or 1."""
        return 1.0 if self.product is None else self.product.scale

    @property
    def pulled(self) -> bool:
        """Whether its gradient needs the backward pass."""
        return self.used and self.landings is None


@dataclass
class Notes:
    """What is seen while a function is read."""

    products: list[Product] = field(default_factory=list)
    direct: set[int] = field(default_factory=set)
    broken: set[tuple[int, int | None]] = field(default_factory=set)
    landed: list[tuple[Source, int]] = field(default_factory=list)

    def lost(self, source: Source) -> None:
        """Something was done to an array after which its entries are not to be told."""
        self.broken.add((source.parameter, source.product))
        if source.product is None:
            self.direct.add(source.parameter)

    def entry(self, parameter: int, landings: bool) -> Entry:
        """How a parameter enters; `landings` says whether these are told apart."""
        products = [use for use in self.products if use.parameter == parameter]
        landed = [pair for pair in self.landed if pair[0].parameter == parameter]
        itself = any(source.product is None for source, _ in landed)
        direct = parameter in self.direct
        if not products and not landed and not direct:
            return Entry(used=False)
        if len(products) == 1 and not itself and not direct:
            whole = (parameter, products[0].number) not in self.broken
            found = _landings(landed) if landings and whole else None
            return Entry(products[0], found)
        if not products and not direct and landings:
            return Entry(None, _landings(landed))
        return Entry()


def _landings(landed: list[tuple[Source, int]]) -> tuple[Landing, ...] | None:
    """Where the pieces went, if no two of them overlap."""
    pieces = sorted(landed, key=lambda pair: pair[0].start)
    for (one, _), (two, _) in itertools.pairwise(pieces):
        if two.start < one.stop:
            return None
    return tuple(Landing(output, source.scale) for source, output in pieces)
