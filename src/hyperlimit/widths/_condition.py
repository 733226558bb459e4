"""An inequality that decides what becomes of a network at infinite width."""

from dataclasses import dataclass
from typing import Literal, final

# Exponents are sums of a few halves or thirds: what is nearer than this is equal.
EQUAL = 1e-9


@final
@dataclass(frozen=True)
class Condition:
    """An inequality, or equation, between exponents.

    Attributes:
        what: what it is about, in words.
        formula: as in `docs/widths.md`.
        value: of the left side.
        bound: the right side.
        relation: "=" or ">=".
        limits: whether the whole is unstable where it does not hold.
    """

    what: str
    formula: str
    value: int | float
    bound: int | float
    relation: Literal["=", ">="]
    limits: bool = True

    @property
    def holds(self) -> bool:
        """Whether it does."""
        if self.relation == "=":
            return abs(self.value - self.bound) < EQUAL
        return self.value > self.bound - EQUAL

    def __str__(self) -> str:
        answer = "yes" if self.holds else "no"
        return (
            f"{self.what:<42} {self.formula} {self.relation} {self.bound:g}: "
            f"{self.value:g}, {answer}"
        )
