"""Sizes on the command line."""

import re

from hyperlimit.errors import InputError


def parsed_size(text: str | None) -> tuple[int, int] | None:
    """Reads 32 or 32x24 as (height, width).

    Raises:
        InputError: for anything else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip())
    if not found or not int(found[1]) or found[2] == "0":
        raise InputError(
            f"--size {text!r} is not a size: give 32, or HEIGHTxWIDTH as 32x24."
        )
    height = int(found[1])
    return height, int(found[2] or height)
