"""The registry of heads."""

from hyperlimit.errors import InputError
from hyperlimit.finite.heads._base import AbstractHead
from hyperlimit.finite.heads._chunked import Chunked
from hyperlimit.finite.heads._full import Full
from hyperlimit.finite.heads._low_rank import LowRank
from hyperlimit.finite.heads._per_layer import PerLayer

# One row a head, with its default options.
HEADS: dict[str, AbstractHead] = {
    "full": Full(),
    "per_layer": PerLayer(),
    "chunked": Chunked(),
    "low_rank": LowRank(),
}


def head(choice: str | AbstractHead) -> AbstractHead:
    """Looks a head up by its name, or passes a head on.

    Raises:
        InputError: if there is none of that name.

    Examples:
        >>> head("chunked").size
        4096
    """
    if isinstance(choice, AbstractHead):
        return choice
    if not isinstance(choice, str) or choice not in HEADS:
        raise InputError(
            f"head={choice!r} is not known: give one of {', '.join(HEADS)}, or one of "
            "hyperlimit.heads with options."
        )
    return HEADS[choice]
