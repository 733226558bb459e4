"""Which pairs are near each other, at every distance that there is."""

import numpy as np
from jaxtyping import Float, Int

# Distances within a factor of 10^(1/8) count as one.
_STEP = 8


def nearest_apart(gap: Float[np.ndarray, "m n"]) -> Int[np.ndarray, " m"]:
    """Of each row the column at the least gap that is not zero."""
    return np.argmin(np.where(gap > 0, gap, np.inf), axis=1)


def at_all_distances(
    gap: Float[np.ndarray, " s"], count: int, draw: np.random.Generator
) -> Int[np.ndarray, " k"]:
    """Up to `count` places of positive gaps, as many of each order of magnitude.

    The smallest of all come first, whatever is drawn.
    """
    apart = np.flatnonzero(gap > 0)
    least = apart[np.argsort(gap[apart], kind="stable")[: count // 8]]
    others = np.ones(len(gap), dtype=bool)
    others[least] = False
    shuffled = draw.permutation(apart[others[apart]])
    shell = np.floor(_STEP * np.log10(gap[shuffled])).astype(int)
    order = np.argsort(shell, kind="stable")
    shell = shell[order]
    # The rank of each within its shell.
    rank = np.arange(len(shell)) - np.searchsorted(shell, shell)
    each = max(1, (count - len(least)) // max(1, len(np.unique(shell))))
    return np.concatenate([least, shuffled[order[rank < each]]])[:count]
