"""Parametrisations by exponents of the width, as data."""

import math
import numbers
from dataclasses import dataclass
from typing import Literal, final

from hyperlimit.errors import InputError
from hyperlimit.networks import Network

Rule = Literal["sgd", "adam"]
RULES: tuple[Rule, ...] = ("sgd", "adam")
Number = int | float
Exponents = tuple[Number, ...]


@final
@dataclass(frozen=True)
class ABC:
    r"""$W_l = n^{-a_l} w_l$, $w_l \sim N(0, n^{-2 b_l})$, rate $\eta n^{-c_l}$.

    A network of $L$ hidden layers of width $n$ has $L + 1$ layers of weights; all are
    entry by entry Gaussian, times what does not depend on $n$. Whatever multiplies
    weights can be moved into their size and their learning rate,

    $$(a_l, b_l, c_l) \to (a_l + t, b_l - t, c_l - 2t)\ \text{for SGD},\quad
      c_l - t\ \text{for Adam},$$

    so that what counts are `sizes` and `rates`.

    Attributes:
        a, b, c: one exponent for each layer of weights.
        rule: "sgd", with or without momentum, or "adam".
        name: in a table, or empty.

    Raises:
        InputError: for fewer than two layers, lists of different lengths or another
            rule.

    References:
        Yang and Hu, *Feature Learning in Infinite-Width Neural Networks*, ICML 2021.
    """

    a: Exponents
    b: Exponents
    c: Exponents
    rule: Rule = "sgd"
    name: str = ""

    def __post_init__(self):
        lengths = tuple(len(given) for given in (self.a, self.b, self.c))
        if len(set(lengths)) > 1 or lengths[0] < 2:
            raise InputError(
                f"a, b and c hold {lengths} exponents: give one of each for every "
                "layer of weights, two or more."
            )
        check_rule(self.rule)
        for name in ("a", "b", "c"):
            object.__setattr__(self, name, _finite(name, getattr(self, name)))

    @property
    def hidden_layers(self) -> int:
        """L."""
        return len(self.a) - 1

    @property
    def sizes(self) -> Exponents:
        """For every layer s of $n^{-s}$, the deviation of $W_l$ at birth: a + b."""
        return tuple(a + b for a, b in zip(self.a, self.b, strict=True))

    @property
    def rates(self) -> Exponents:
        """For every layer g of $n^{-g}$, the learning rate of $W_l$ itself.

        $g = c + 2a$ for SGD, whose gradient is multiplied as well, $c + a$ for Adam.
        """
        power = {"sgd": 2, "adam": 1}[self.rule]
        return tuple(c + power * a for a, c in zip(self.a, self.c, strict=True))

    def moved(self, t: float) -> "ABC":
        """The same training, written with other multipliers."""
        power = {"sgd": 2, "adam": 1}[self.rule]
        return ABC(
            tuple(a + t for a in self.a),
            tuple(b - t for b in self.b),
            tuple(c - power * t for c in self.c),
            self.rule,
            self.name,
        )


def _finite(name: str, given: Exponents) -> Exponents:
    real = all(isinstance(each, numbers.Real) for each in given)
    if not real or not all(math.isfinite(each) for each in given):
        raise InputError(f"{name}={given!r} was given: give finite numbers.")
    return tuple(float(each) for each in given)


def check_rule(rule: str) -> None:
    """Raises an InputError unless the rule is known."""
    if rule not in RULES:
        raise InputError(f"rule={rule!r} was given: give 'sgd' or 'adam'.")


# Exponents of the first layer, of those between, and of the last, for SGD.
_TABLE: dict[str, tuple[Exponents, Exponents, Number]] = {
    "standard": ((0, 0, 0), (0, 0.5, 0.5), 0),
    "ntk": ((0, 0.5, 0.5), (0, 0, 0), 0),
    "mean_field": ((0, 1, 1), (0, 0, 0), -1),
    "mup": ((-0.5, 0, 0.5), (0.5, 0.5, 0.5), 0),
}


def abc(
    spec: Network | int,
    name: str | None = None,
    *,
    a: Exponents | None = None,
    b: Exponents | None = None,
    c: Number | Exponents | None = None,
    rule: Rule = "sgd",
) -> ABC:
    r"""An abc-parametrisation of a network: one with a name, or any by its exponents.

    | | a first / middle / last | b | c, SGD | c, Adam |
    |---|---|---|---|---|
    | "standard" | 0 / 0 / 0 | 0 / ½ / ½ | 0 | 0 |
    | "ntk" | 0 / ½ / ½ | 0 / 0 / 0 | 0 | 0 |
    | "mean_field", one hidden layer | 0 / – / 1 | 0 / – / 0 | -1 | 0 |
    | "mup" | -½ / 0 / ½ | ½ / ½ / ½ | 0 | ½ / 1 / ½ |

    Args:
        spec: a network of dense layers, or how many hidden layers it has.
        name: in the table; c may be given beside it, as in `abc(2, "standard", c=1)`.
        a, b, c: exponents for every layer of weights, in place of a name; c may be one
            number for all.
        rule: "sgd" or "adam".

    Raises:
        InputError: for an unknown name, a name together with a or b, neither, exponents
            of another number of layers, or "mean_field" with two or more hidden layers.

    References:
        Yang and Hu, *Feature Learning in Infinite-Width Neural Networks*, ICML 2021,
        table 1; Adam by the same counting.

    Examples:
        >>> abc(2, "mup").a
        (-0.5, 0.0, 0.5)
        >>> abc(2, "mup", rule="adam").rates
        (0.0, 1.0, 1.0)
        >>> abc(1, a=(0, 0.5), b=(0, 0), c=0).sizes
        (0.0, 0.5)
    """
    hidden = spec.dense_layers - 1 if isinstance(spec, Network) else spec
    if isinstance(hidden, bool) or not isinstance(hidden, int) or hidden < 1:
        given = f"{spec!r}"
        if isinstance(spec, Network):
            given = f"a network of {spec.dense_layers} dense layers"
        raise InputError(
            f"{given} has no hidden layer: give a network of two dense layers or "
            "more, or how many hidden layers it has."
        )
    check_rule(rule)
    if name is not None:
        if a is not None or b is not None:
            raise InputError(
                f"the name {name!r} and exponents a or b were given: give one of them."
            )
        a, b, named = _named(name, hidden, rule)
        c = named if c is None else c
    if a is None or b is None or c is None:
        raise InputError(
            "exponents are missing: give a name, "
            f"{', '.join(repr(known) for known in _TABLE)}, or all of a, b and c."
        )
    c = tuple(c) if isinstance(c, tuple | list) else (c,) * (hidden + 1)
    found = ABC(tuple(a), tuple(b), c, rule, name or "")
    if found.hidden_layers != hidden:
        raise InputError(
            f"a, b and c are of {found.hidden_layers + 1} layers of weights and the "
            f"network has {hidden + 1}: give as many."
        )
    return found


def _named(name: str, hidden: int, rule: Rule) -> tuple[Exponents, ...]:
    if name not in _TABLE:
        raise InputError(
            f"name={name!r} is not known: give one of "
            f"{', '.join(repr(known) for known in _TABLE)}, or exponents."
        )
    if name == "mean_field" and hidden > 1:
        raise InputError(
            f"'mean_field' was given for {hidden} hidden layers: it has a limit that "
            "trains with one only, so give 'mup'."
        )
    a, b, c = _TABLE[name]
    middle = hidden - 1
    rates = (c, c, c)
    if rule == "adam":
        # Adam's steps have no size to make up for: muP's rates are 1, 1/n, 1/n.
        rates = (0.5, 1, 0.5) if name == "mup" else (0, 0, 0)
    return tuple(
        (first, *(between,) * middle, last) for first, between, last in (a, b, rates)
    )
