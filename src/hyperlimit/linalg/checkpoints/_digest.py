"""Digests of arrays that do not depend on where their parts lie."""

import zlib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree, UInt32

_WORDS = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32, 8: jnp.uint32}
_BITS = {2: jnp.uint16, 4: jnp.uint32, 8: jnp.uint64}


def digests(tree: PyTree) -> list[int]:
    r"""A number of 32 bits for every array.

    $\sum_i (2i + 1) w_i \bmod 2^{32}$ over the words $w_i$ of a JAX array. Sums of
    integers are exact in any order, so that the digest is the same on any number of
    devices, and only the sum leaves them. A change of any one bit changes it, because
    $2i + 1$ is odd, unless it is the sign of a zero; rows of zeros at the end, as
    padding has them, do not. NumPy's arrays, which every process has whole, get a CRC.
    """
    leaves = jax.tree.leaves(tree)
    with jax.enable_x64(True):
        on_devices = _digests([v for v in leaves if isinstance(v, jax.Array)])
    found = iter(on_devices)
    return [
        int(next(found))
        if isinstance(leaf, jax.Array)
        else zlib.crc32(np.ascontiguousarray(leaf).tobytes())
        for leaf in leaves
    ]


@jax.jit
def _digests(arrays: list[Array]) -> list[UInt32[Array, ""]]:
    return [_digest(array) for array in arrays]


def _digest(array: Array) -> UInt32[Array, ""]:
    if array.dtype == bool:
        array = array.astype(jnp.uint8)
    if jnp.issubdtype(array.dtype, jnp.floating):
        bits = jax.lax.bitcast_convert_type(array, _BITS[array.dtype.itemsize])
        # Rounding leaves zeros of either sign in padding.
        array = jnp.where(bits << 1 == 0, jnp.zeros_like(bits), bits)
    words = jax.lax.bitcast_convert_type(array, _WORDS[array.dtype.itemsize])
    place = jnp.zeros(words.shape, jnp.uint32)
    step = 1
    for axis in reversed(range(words.ndim)):
        along = jax.lax.broadcasted_iota(jnp.uint32, words.shape, axis)
        place = place + along * jnp.uint32(step % 2**32)
        step *= words.shape[axis]
    weights = 2 * place + 1
    return jnp.sum(weights * words.astype(jnp.uint32), dtype=jnp.uint32)
