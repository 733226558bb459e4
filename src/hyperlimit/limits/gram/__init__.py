"""Gram matrices on images x coordinates, as operators."""

from hyperlimit.limits.gram._expanded import Method
from hyperlimit.limits.gram._family import GramFamily
from hyperlimit.limits.gram._free_kernel import FreeKernel, free_kernel
from hyperlimit.limits.gram._gram import Gram, GramReport
from hyperlimit.limits.gram._gram_of import gram_of
from hyperlimit.limits.gram._image_blocks import (
    ImageBlocks,
    image_angles,
    image_blocks,
)
from hyperlimit.limits.gram._parts import primary_kernels
from hyperlimit.limits.gram._points import Points, points_of

__all__ = [
    "FreeKernel",
    "Gram",
    "GramFamily",
    "GramReport",
    "ImageBlocks",
    "Method",
    "Points",
    "free_kernel",
    "gram_of",
    "image_angles",
    "image_blocks",
    "points_of",
    "primary_kernels",
]
