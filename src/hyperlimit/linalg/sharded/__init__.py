"""Operators on images x coordinates whose images are dealt out to many devices."""

from hyperlimit.linalg.sharded._construction import sharded_kronecker_inverse
from hyperlimit.linalg.sharded._image_rows import ImageRows, image_mesh
from hyperlimit.linalg.sharded._kronecker_inverse import (
    ShardedKroneckerInverse,
    shard_kronecker_inverse,
)
from hyperlimit.linalg.sharded._kronecker_sum import (
    ShardedKroneckerSum,
    shard_kronecker_sum,
)

__all__ = [
    "ImageRows",
    "ShardedKroneckerInverse",
    "ShardedKroneckerSum",
    "image_mesh",
    "shard_kronecker_inverse",
    "shard_kronecker_sum",
    "sharded_kronecker_inverse",
]
