"""The size of an input, from an example of it."""

from jaxtyping import ArrayLike

from hyperlimit.errors import InputError
from hyperlimit.layers import Size, as_size


def input_size(
    name: str, given: ArrayLike | Size | None, stated: Size | None, rank: int
) -> Size | None:
    """The size of an input from an example of it, or from the size itself.

    Args:
        name: what the input is called.
        given: an example, whose last `rank` axes count, or a size.
        stated: the size that a description says, if it does.
        rank: the number of axes of one input.

    Raises:
        InputError: for what is neither, or disagrees with the description.
    """
    if given is None:
        return stated
    if isinstance(given, int):
        shape = (given,)
    elif isinstance(given, tuple):
        shape = tuple(given)
    else:
        shape = getattr(given, "shape", ())[-rank:]
    integers = all(isinstance(length, int) and length > 0 for length in shape)
    if len(shape) != rank or not integers:
        wanted = {1: "a last axis of at least 1, or its length"}.get(
            rank, "last axes (height, width, channels), or these three as a tuple"
        )
        raise InputError(
            f"{name} of {_described(given)} is no example of an input: give an array "
            f"with {wanted}."
        )
    size = as_size(shape)
    if stated is not None and size != stated:
        raise InputError(
            f"{name} has size {size} and the description says in_size={stated}: "
            "change one of them."
        )
    return size


def _described(given: ArrayLike | Size) -> str:
    shape = getattr(given, "shape", None)
    return f"{given!r}" if shape is None else f"shape {tuple(shape)}"
