"""How parameters enter a computation."""

import itertools
from dataclasses import dataclass, field
from typing import NamedTuple


class Landing(NamedTuple):
    """An output of the function that is, up to a factor, a piece of an entry.

    Attributes:
        output: its number.
        scale: the factor.
        start, stop: which of the entries.
    """

    output: int
    scale: float
    start: int
    stop: int


class Product(NamedTuple):
    """One parameter's part in a product $y = s\\,p\\,a$.

    Attributes:
        parameter, number: which parameter, and the number of the value y.
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
    gradient $\bar p$. Either cotangent is `scale` times that of the value `junction`,
    the last one that y, or p, is only moved, scaled and added to on its way to; with
    the bias that is added to it, a weight so shares one cotangent. `landings` are not
    None where y, or p, goes to outputs alone and entry by entry, so that their
    cotangents are its own.
    """

    product: Product | None = None
    landings: tuple[Landing, ...] | None = None
    junction: int = -1
    scale: float = 1.0
    used: bool = True

    @property
    def pulled(self) -> bool:
        """Whether its gradient needs the backward pass."""
        return self.used and self.landings is None


@dataclass
class Notes:
    """What is seen while a function is read; values are known by number.

    Attributes:
        products: the parts of parameters in products.
        lost: parameters, or products, whose entries are not to be told any more.
        landed: what came to the outputs.
        results: for each value, what it was moved, scaled or added to, None for
            anything else.
        contents: the sources of each value, and its length.
    """

    products: list[Product] = field(default_factory=list)
    lost: set[tuple[int, int | None]] = field(default_factory=set)
    landed: list[tuple[Source, int]] = field(default_factory=list)
    results: dict[int, list[int | None]] = field(default_factory=dict)
    contents: dict[int, tuple[tuple[Source, ...], int]] = field(default_factory=dict)

    def entry(self, parameter: int, landings: bool) -> Entry:
        """How a parameter enters; `landings` says whether these are told apart."""
        products = [use for use in self.products if use.parameter == parameter]
        landed = [pair for pair in self.landed if pair[0].parameter == parameter]
        itself = any(source.product is None for source, _ in landed)
        direct = (parameter, None) in self.lost
        if not products and not landed and not direct:
            return Entry(used=False)
        if len(products) == 1 and not itself and not direct:
            use = products[0]
            whole = landings and (parameter, use.number) not in self.lost
            found = _landings(landed) if whole else None
            junction, scale = self._junction(parameter, use.number, use.number)
            if found is not None:
                scale = 1.0
            return Entry(use, found, junction, use.scale * scale)
        if not products and not direct and landings:
            return Entry(None, _landings(landed), parameter)
        if products:
            return Entry(junction=parameter)
        junction, scale = self._junction(parameter, None, parameter)
        return Entry(None, None, junction, scale)

    def _junction(
        self, parameter: int, product: int | None, start: int
    ) -> tuple[int, float]:
        """The last value on the only way of a parameter or product, and its scale."""
        here, scale = start, 1.0
        length = self.contents[start][1]
        while len(self.results.get(here, ())) == 1:
            (following,) = self.results[here]
            if following is None:
                break
            sources, size = self.contents[following]
            found = [
                s for s in sources if (s.parameter, s.product) == (parameter, product)
            ]
            if len(found) != 1 or not found[0].ordered or size != length:
                break
            here, scale = following, found[0].scale
        return here, scale


def _landings(landed: list[tuple[Source, int]]) -> tuple[Landing, ...] | None:
    """Where the pieces went, if no two of them overlap."""
    pieces = sorted(landed, key=lambda pair: pair[0].start)
    for (one, _), (two, _) in itertools.pairwise(pieces):
        if two.start < one.stop:
            return None
    return tuple(
        Landing(output, source.scale, source.start, source.stop)
        for source, output in pieces
    )
