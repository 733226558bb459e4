"""What a Gram matrix is made for: a kernel, its budget, and two sets of points."""

from typing import Any, NamedTuple

import numpy as np

from hyperlimit.limits.gram._meta_kernels import MetaDiagonal
from hyperlimit.limits.gram._parts import Part, parts_of
from hyperlimit.limits.gram._points import Points
from hyperlimit.networks import Hypernetwork, Network


class Setting(NamedTuple):
    """What every part of the work reads.

    Attributes:
        memory: bytes that left factors may take.
        pair_size: how many numbers a pair takes on its way through f.
    """

    spec: Hypernetwork
    kind: str
    dtype: Any
    memory: int
    pair_size: int

    @property
    def meta(self) -> Network:
        """f."""
        return self.spec.meta

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the sum of is the kernel."""
        return parts_of(self.spec.primary, self.kind)


class Sides(NamedTuple):
    """Points on the left and on the right; f's kernels of their images."""

    left: Points
    right: Points
    same: bool
    diagonals: tuple[MetaDiagonal, MetaDiagonal]

    @property
    def std(self) -> np.ndarray:
        """The deviations of all images."""
        return np.concatenate([one.std for one in self.diagonals])

    @property
    def tangent(self) -> float:
        """The largest NTK of an image with itself, in units of its variance."""
        return max(float(one.tangent.max()) for one in self.diagonals)
