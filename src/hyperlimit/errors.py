"""The one exception that says that what the user gave cannot be used."""

__all__ = ["InputError"]


class InputError(ValueError):
    """What the user gave, what was expected, and the mend, in one sentence.

    The message is meant to be shown to the user as it stands, without a traceback.

    Example:
        >>> raise InputError("size 0x8 is empty; give at least 1x1, such as 8x8")
        Traceback (most recent call last):
            ...
        hyperlimit.errors.InputError: size 0x8 is empty; give at least 1x1, such as 8x8
    """
