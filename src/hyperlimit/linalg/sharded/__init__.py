"""Operators on images x coordinates whose images are dealt out to many devices."""

from hyperlimit.linalg.sharded._image_rows import ImageRows, image_mesh
from hyperlimit.linalg.sharded._kronecker_sum import (
    ShardedKroneckerSum,
    shard_kronecker_sum,
)
from hyperlimit.linalg.sharded._mode_inverse import (
    ShardedModeInverse,
    shard_mode_inverse,
)
from hyperlimit.linalg.sharded._subspace import sharded_mode_inverse

__all__ = [
    "ImageRows",
    "ShardedKroneckerSum",
    "ShardedModeInverse",
    "image_mesh",
    "shard_kronecker_sum",
    "shard_mode_inverse",
    "sharded_mode_inverse",
]
