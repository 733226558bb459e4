"""Which weight layers a meta-network writes, as a user says it."""

from collections.abc import Sequence

from hyperlimit.errors import InputError


def answers(
    name: str, given: bool | Sequence[bool] | None, depth: int
) -> tuple[bool | None, ...]:
    """One answer a layer, from one for all, one for each, or none.

    Raises:
        InputError: for a list of answers whose length is not the depth.
    """
    if given is None or isinstance(given, bool):
        return (given,) * depth
    each = tuple(given)
    if len(each) != depth:
        raise InputError(
            f"{name} has {len(each)} answers for {depth} weight layers: give one "
            "for each, or a single one."
        )
    return each
