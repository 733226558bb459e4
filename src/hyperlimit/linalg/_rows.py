"""Rows of a matrix as a length, a direction and a fingerprint."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32


class Rows(eqx.Module):
    """Rows split into length and direction, so that no scale overflows.

    `fingerprint` is equal for rows that are equal to the bit, and but for one chance
    in 2^64 only for those; `opposite` is the fingerprint of the negated row.
    """

    length: Float[Array, " n"]
    direction: Float[Array, "n d"]
    fingerprint: UInt32[Array, "n 2"]
    opposite: UInt32[Array, "n 2"]


def rows(matrix: Float[Array, "n d"]) -> Rows:
    """Splits rows into length and direction; a zero row keeps a zero direction.

    Lengths are right for entries anywhere between the smallest and the largest
    normal number: rows are divided by their largest entry before they are squared.
    Cost O(n d).
    """
    sizes = jnp.abs(jax.lax.stop_gradient(matrix))
    largest = jnp.max(sizes, axis=1, initial=0.0)
    largest = jnp.where(largest > 0, largest, 1)
    scaled = matrix / largest[:, None]
    square = jnp.sum(scaled**2, axis=1)
    # NaN is present: it passes through instead of turning into a zero row.
    present = ~(square <= 0)
    unit = jnp.sqrt(jnp.where(present, square, 1))
    return Rows(
        length=jnp.where(present, largest * unit, 0),
        direction=scaled / unit[:, None],
        fingerprint=_fingerprint(matrix),
        opposite=_fingerprint(-matrix),
    )


def _fingerprint(matrix: Float[Array, "n d"]) -> UInt32[Array, "n 2"]:
    """Two random linear hashes of the bits, in wrap-around integer arithmetic.

    Integer sums do not depend on their order, so equal rows of two arrays of any
    shape agree, which floating-point projections would not promise.
    """
    # -0 and +0 compare equal and must hash equal; a compiler drops `+ 0.0`.
    frozen = jax.lax.stop_gradient(matrix)
    frozen = jnp.where(frozen == 0, 0, frozen)
    if frozen.dtype.itemsize < 4:
        frozen = frozen.astype(jnp.float32)
    words = jax.lax.bitcast_convert_type(frozen, jnp.uint32)
    # Not -1: an empty batch says nothing of its width.
    per_entry = frozen.dtype.itemsize // 4
    words = words.reshape(matrix.shape[0], per_entry * matrix.shape[1])
    position = jnp.arange(words.shape[1], dtype=jnp.uint32)
    hashes = []
    for seed in (0x9E3779B9, 0x85EBCA6B):
        multiplier = (_scrambled(position + jnp.uint32(seed)) | jnp.uint32(1))[None]
        mixed = _scrambled(words ^ _scrambled(multiplier)) * multiplier
        hashes.append(jnp.sum(mixed, axis=1, dtype=jnp.uint32))
    return jnp.stack(hashes, axis=1)


def _scrambled(word: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """A bijection of 32-bit words that spreads every bit (Murmur3's last step)."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * jnp.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
