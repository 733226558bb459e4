"""Gram matrices on images x coordinates, as operators."""

from hyperlimit.limits.gram._expanded import Method
from hyperlimit.limits.gram._gram import Gram, GramReport
from hyperlimit.limits.gram._gram_of import gram_of
from hyperlimit.limits.gram._image_blocks import (
    ImageBlocks,
    image_angles,
    image_blocks,
)
from hyperlimit.limits.gram._parts import primary_kernels

__all__ = [
    "Gram",
    "GramReport",
    "ImageBlocks",
    "Method",
    "gram_of",
    "image_angles",
    "image_blocks",
    "primary_kernels",
]
