"""Random generators that a user's seed starts."""

import numpy as np

from hyperlimit.errors import InputError


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Start a generator from a seed, and from the number of a stream if given.

    Raises:
        InputError: the seed is negative.

    Example:
        >>> int(generator(0).integers(100))
        85
    """
    if seed < 0:
        raise InputError(f"seed {seed} is negative; give a whole number from 0 up")
    # A list and its only entry start different generators, so that a seed without a
    # stream goes in bare: that is how the documented draws are defined.
    return np.random.default_rng([seed, *stream] if stream else seed)
