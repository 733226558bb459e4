"""Which columns of a table are the meta-input."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from jaxtyping import Int

from hyperlimit.errors import InputError

Columns = (
    Sequence[int] | Sequence[str] | Int[np.ndarray, " dx"] | slice | int | str | None
)


def split_columns(
    given: Columns, names: Sequence[str] | None, count: int
) -> tuple[Int[np.ndarray, " dx"], Int[np.ndarray, " dz"]]:
    """The places of the meta-input's columns, as given, and of the others, in order.

    Args:
        given: places, names or a slice; None for no columns.
        names: the names of all columns, if they have any.
        count: the number of columns.

    Raises:
        InputError: for a column that is not there, one that is named twice, or if
            none is left for the coordinates.

    Examples:
        >>> split_columns(["b"], ["a", "b", "c"], 3)
        (array([1]), array([0, 2]))
    """
    if given is None:
        meta = np.arange(0)
    elif isinstance(given, slice):
        meta = np.arange(count)[given]
    else:
        one = isinstance(given, str | Integral)
        listed: list[Any] = [given] if one else [*given]  # ty: ignore[not-iterable]
        meta = np.array([_place(one, names, count) for one in listed], int)
    if len(set(meta.tolist())) < len(meta):
        raise InputError(
            f"meta_columns={given!r} names a column twice: name each once."
        )
    rest = np.setdiff1d(np.arange(count), meta)
    if len(rest) == 0:
        raise InputError(
            f"meta_columns={given!r} takes all {count} columns of X: leave at least "
            "one for the coordinates z."
        )
    return meta, rest


def _place(one: Any, names: Sequence[str] | None, count: int) -> int:
    if isinstance(one, str):
        if names is None:
            raise InputError(
                f"meta_columns names {one!r} and X has no column names: give a data "
                "frame, or places from 0."
            )
        if one not in names:
            raise InputError(
                f"meta_columns names {one!r} and the columns of X are "
                f"{', '.join(map(repr, names))}: give some of them."
            )
        return list(names).index(one)
    if not isinstance(one, Integral) or isinstance(one, bool | np.bool_):
        raise InputError(
            f"meta_columns holds {one!r}: give places such as [0, 1], or names."
        )
    if not -count <= one < count:
        raise InputError(
            f"meta_columns holds {one} and X has {count} columns: count from 0."
        )
    return int(one) % count
