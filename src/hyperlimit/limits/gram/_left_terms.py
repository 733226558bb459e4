"""Where the left factors of the sum are: kept, or made in every product."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.limits.gram._meta_kernels import MetaKernels
from hyperlimit.limits.gram._setting import Setting, Sides
from hyperlimit.limits.gram._terms import (
    AbstractFactors,
    KeptAngles,
    RemadeAngles,
    Scales,
)
from hyperlimit.linalg.operators import AbstractTerms, KeptTerms, StreamedTerms

# Rows of left factors that are made at a time hold some 32 MB.
_BLOCK_NUMBERS = 2**23
# As many numbers more for a pair of images while its terms are made.
_BESIDES = 64


def left_terms(
    setting: Setting,
    sides: Sides,
    factors: tuple[AbstractFactors, ...],
    kernels: MetaKernels | None,
    scales: tuple[Scales, Scales],
) -> tuple[AbstractTerms, str]:
    """The left factors, in what the budget allows."""
    count = sum(one.count for one in factors)
    m, n = len(sides.left.x), len(sides.right.x)
    block = max(1, min(m, _BLOCK_NUMBERS // ((count + _BESIDES) * n)))
    if kernels is None:
        inputs = setting.meta.limit_inputs
        a, b = (
            inputs.prepare(jnp.asarray(side.x, setting.dtype))
            for side in (sides.left, sides.right)
        )
        source = RemadeAngles(factors, setting.meta, a, b, *scales, sides.same)
        return StreamedTerms(source, block), "from images"
    angle, tangent = (jnp.asarray(part, setting.dtype) for part in kernels)
    source = KeptAngles(factors, angle, tangent, *scales, sides.same)
    if count * m * n * np.dtype(setting.dtype).itemsize > setting.memory:
        return StreamedTerms(source, block), "from angles"
    return KeptTerms(_filled(source, block)), "kept"


@eqx.filter_jit
def _filled(source: KeptAngles, block: int) -> Float[Array, "r m n"]:
    r, m, n = source.shape
    starts = jnp.asarray([min(i, m - block) for i in range(0, m, block)])

    def fill(result: Array, start: Array) -> tuple[Array, None]:
        made = source.made(start + jnp.arange(block), None)
        return jax.lax.dynamic_update_slice(result, made, (0, start, 0)), None

    return jax.lax.scan(fill, jnp.zeros((r, m, n), source.dtype), starts)[0]
