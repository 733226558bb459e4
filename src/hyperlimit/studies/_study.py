"""What a study is, and what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, final

from matplotlib.figure import Figure

from hyperlimit.studies._reporter import Reporter


class StudyConfig(Protocol):
    """A frozen dataclass of plain data; everything that a result depends on."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def seed(self) -> int:
        """What all random numbers of the study come from."""
        ...


@final
@dataclass(frozen=True)
class Finding:
    """One thing measured, beside what is expected of it.

    Attributes:
        what: the quantity, in words that a stranger understands.
        measured: its value.
        interval: what the value may be, (low, high), at 95% unless `what` says else.
        expected: what is expected, in words or as a formula. Empty: nothing is.
        number: the expectation as a number, if it is one: it agrees if it lies in the
            interval.
        holds: whether an expectation that is no number is met.
    """

    what: str
    measured: float
    interval: tuple[float, float] | None = None
    expected: str = ""
    number: float | None = None
    holds: bool | None = None

    def __post_init__(self):
        judged = (self.number is not None) + (self.holds is not None)
        if judged != bool(self.expected):
            raise ValueError(f"{self!r} needs either number or holds where it expects.")
        if self.number is not None and self.interval is None:
            raise ValueError(f"{self!r} has no interval for its number to lie in.")

    @property
    def agrees(self) -> bool | None:
        """Whether measurement and expectation agree; None if nothing is expected."""
        if self.number is None or self.interval is None:
            return self.holds
        low, high = self.interval
        return low <= self.number <= high


@final
@dataclass(frozen=True)
class Findings:
    """What a study returns.

    Attributes:
        rows: in the order to be read in.
        data: the numbers behind the figure, as plain data or arrays.
        figure: from a function of `plotting/`.
    """

    rows: tuple[Finding, ...]
    data: Mapping[str, Any]
    figure: Figure


C = TypeVar("C")


@final
@dataclass(frozen=True)
class Study(Generic[C]):
    """An experiment that anyone can repeat by one command.

    Attributes:
        name: as it is typed: words with hyphens.
        summary: one line without a full stop.
        quick: settings for less than a minute on one core, compilation included.
        full: settings of the published result.
        run: settings and a reporter to findings; it writes no files.
        precision: "float32" or "float64", unless the command says otherwise.
    """

    name: str
    summary: str
    quick: C
    full: C
    run: Callable[[C, Reporter], Findings]
    precision: str = "float32"
