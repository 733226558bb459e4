"""What a rank is told by whoever starts it, as environment variables."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import NamedTuple

_PREFIX = "HYPERLIMIT_RANK_"


class Place(NamedTuple):
    """A rank's place in a gang.

    Attributes:
        coordinator: host and port where rank 0 listens.
        count, number: how many ranks there are, and which this is.
        attempt: how often the gang was started before.
        lifeline: a pipe that closes when whoever started the rank is gone.
        device: which of the machine's accelerators the rank gets; all, if None.
    """

    coordinator: str
    count: int
    number: int
    attempt: int
    lifeline: int
    device: int | None = None

    def written(self) -> dict[str, str]:
        """As environment variables."""
        given = self._asdict().items()
        return {_PREFIX + k.upper(): str(v) for k, v in given if v is not None}


def read(environment: Mapping[str, str] = os.environ) -> Place | None:
    """A rank's place, or None where nobody has started a gang."""
    given = {
        field: environment[_PREFIX + field.upper()]
        for field in Place._fields
        if _PREFIX + field.upper() in environment
    }
    if "coordinator" not in given:
        return None
    numbers = {k: int(v) for k, v in given.items() if k != "coordinator"}
    return Place(coordinator=given["coordinator"], **numbers)


def free_port(host: str) -> int:
    """A port that nobody listens on at this moment."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def environment_of(place: Place) -> dict[str, str]:
    """The environment of a rank's process: this one's, its modules, and its place."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": path, **place.written()}
