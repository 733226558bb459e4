"""The Cholesky factor of a matrix that may be singular."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.jit
def jittered_cholesky(gram: Float[Array, "n n"]) -> Float[Array, "n n"]:
    r"""The lower factor of $K + \epsilon I$ for the least $\epsilon$ that works.

    $\epsilon$ starts at the precision times the trace, and is multiplied by four until
    the factor exists. NaN in, NaN out. Cost $n^3 / 3$ flops a try.
    """
    eye = jnp.eye(len(gram), dtype=gram.dtype)
    unit = jnp.finfo(gram.dtype).eps * jnp.trace(gram) + jnp.finfo(gram.dtype).tiny

    def factor(level: Array) -> Array:
        return jnp.linalg.cholesky(gram + unit * 4.0**level * eye)

    def failed(carry: tuple[Array, Array]) -> Array:
        level, found = carry
        return ~jnp.isfinite(found[-1, -1]) & (level < 20) & jnp.isfinite(unit)

    def again(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        return carry[0] + 1, factor(carry[0] + 1)

    start = jnp.zeros((), gram.dtype)
    return jax.lax.while_loop(failed, again, (start, factor(start)))[1]
