"""How a study tells what it is doing, whoever listens."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

Update = Callable[[int, str], None]


@runtime_checkable
class Reporter(Protocol):
    """Shows stages and how far each is."""

    def stage(
        self, name: str, total: int | None = None
    ) -> AbstractContextManager[Update]:
        """Opens a stage; the update takes how many are done and a remark."""
        ...

    def solve(
        self, name: str, tolerance: float
    ) -> AbstractContextManager[Callable[[int, float], None]]:
        """Opens an iterative solve; what it yields is the solver's `progress`."""
        ...


class Silent:
    """Says nothing."""

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Generator[Update]:
        """Opens a stage that nobody sees."""
        del name, total
        yield lambda done, remark: None

    @contextmanager
    def solve(
        self, name: str, tolerance: float
    ) -> Generator[Callable[[int, float], None]]:
        """Opens a solve that nobody sees."""
        del name, tolerance
        yield lambda iterations, residual: None
