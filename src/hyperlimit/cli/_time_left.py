"""How long an iterative solve still takes, from the fall of its residual."""

from collections import deque

import numpy as np

# Chunks that are looked at, and how many an estimate needs.
_RECENT, _LEAST = 32, 4


class TimeLeft:
    r"""Seconds until a residual has fallen to a tolerance.

    A straight line through $\log r$ over time, of the latest chunks: its slope is the
    median of the slopes between all pairs of them and its height the median of the
    heights that they give it (Theil and Sen), so that the single jumps of conjugate
    gradients' residual, which is not monotone, do not move it. Cost: some thousand
    operations a chunk.

    Examples:
        >>> left = TimeLeft(tolerance=1e-6)
        >>> for second, residual in enumerate((1e-1, 1e-2, 1e-3, 1e-4)):
        ...     left.add(second, residual)
        >>> round(left.seconds)
        2
    """

    def __init__(self, tolerance: float):
        self._goal = float(np.log(tolerance))
        self._seen: deque[tuple[float, float]] = deque(maxlen=_RECENT)

    def add(self, moment: float, residual: float) -> None:
        """Takes the residual at a moment, in seconds."""
        if residual > 0 and np.isfinite(residual):
            self._seen.append((moment, float(np.log(residual))))

    @property
    def seconds(self) -> float | None:
        """From the latest moment; None where the residual does not fall, or too new."""
        if len(self._seen) < _LEAST:
            return None
        moments, sizes = np.array(self._seen).T
        one, two = np.triu_indices(len(moments), 1)
        apart = moments[two] > moments[one]
        if not apart.any():
            return None
        rises = (sizes[two] - sizes[one])[apart] / (moments[two] - moments[one])[apart]
        slope = float(np.median(rises))
        if slope >= 0:
            return None
        now = float(np.median(sizes + slope * (moments[-1] - moments)))
        return max((self._goal - now) / slope, 0.0)
