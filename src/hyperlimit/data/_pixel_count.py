"""The number of pixels that a rule "random:P" asks for."""

import re

from hyperlimit.errors import InputError

_NUMBER = re.compile(r"\d{1,12}(\.\d*)?|\.\d+", re.ASCII)


def pixel_count(rule: str, total: int, most: int) -> int:
    """Read P of "random:P": a count of pixels, or a share of them if it has a dot.

    Args:
        rule: the rule, with its "random:".
        total: the pixels of one image.
        most: the largest count that makes sense.

    Raises:
        InputError: P is not a number, or gives less than 1 or more than ``most``.

    Example:
        >>> pixel_count("random:5", 64, 64), pixel_count("random:0.25", 64, 64)
        (5, 16)
    """
    text = rule.removeprefix("random:")
    count = 0
    if _NUMBER.fullmatch(text):
        count = round(float(text) * total) if "." in text else int(text)
    if not 1 <= count <= most:
        raise InputError(
            f"P of {rule!r} must give from 1 to {most} of the {total} pixels of an "
            "image; give a whole number, such as random:1, or a share of them with a "
            "dot, such as random:0.5"
        )
    return count
