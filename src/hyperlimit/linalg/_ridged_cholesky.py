"""The Cholesky factor of a matrix with a ridge."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError


def ridged_cholesky(
    gram: Float[Array, "n n"], noise: float, what: str
) -> Float[Array, "n n"]:
    r"""The lower factor of $K + \lambda I$; cost $n^3 / 3$ flops.

    Raises:
        InputError: if it is not positive definite in its precision; `what` names it.
    """
    factor = _factor(gram, jnp.asarray(noise, gram.dtype))
    if not bool(jnp.isfinite(factor[-1]).all()):
        raise InputError(
            f"the Gram matrix of {what} with noise variance {noise:.1e} is singular in "
            f"{gram.dtype}: raise the ridge, leave out duplicates, or use float64."
        )
    return factor


@jax.jit
def _factor(gram: Float[Array, "n n"], noise: Float[Array, ""]) -> Array:
    return jnp.linalg.cholesky(gram + noise * jnp.eye(len(gram), dtype=gram.dtype))
