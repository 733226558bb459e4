"""How a rank ended, in words."""

import signal
from typing import NamedTuple

# Exit statuses of ranks. What the user gave is as wrong the next time.
WRONG_INPUT = 2
PEER_LOST = 75
STUCK = 76
ORPHANED = 77

_KNOWN = {
    WRONG_INPUT: "refused its input",
    PEER_LOST: "lost another rank",
    STUCK: "made no progress and ended itself",
    ORPHANED: "lost the process that had started it",
}


class Ending(NamedTuple):
    """The end of a rank.

    Attributes:
        number, count: which rank, of how many.
        status: its exit status; that of a signal is negative.
        seconds: since its start.
        said: the last that it wrote as errors.
    """

    number: int
    count: int
    status: int
    seconds: float
    said: str = ""

    @property
    def well(self) -> bool:
        """Whether it had done its work."""
        return self.status == 0

    def __str__(self) -> str:
        if self.status < 0:
            how = f"was ended by {signal.Signals(-self.status).name}"
        else:
            how = _KNOWN.get(self.status, f"ended with exit status {self.status}")
        return f"rank {self.number} of {self.count} {how} after {self.seconds:.1f} s"


def culprit(endings: list[Ending]) -> Ending | None:
    """Which rank's end took the others with it."""
    bad = [ending for ending in endings if not ending.well]
    # Those that only noticed are no explanation, if there is another.
    return min(
        bad, key=lambda ending: ending.status in (PEER_LOST, STUCK), default=None
    )


def last_lines(text: bytes, count: int = 20) -> str:
    """The last lines of what a rank wrote."""
    return "\n".join(text.decode(errors="replace").splitlines()[-count:])
