r"""A Gaussian matrix that is used forward once and backward once, without the matrix.

W has entries N(0, 1). Let E be an orthonormal basis of the features Q that it is used
on. Then $W E = G$ has entries N(0, 1), as has $W (1 - E E^T)$ on the other
directions, which the features do not see, so that

$$W Q = G\, E^T Q, \qquad W^T D = E\, G^T D + (1 - E E^T)\, \xi,$$

rows of $\xi$ being $N(0, D^T D)$, whatever D is computed from $W Q$. This is exact at
every width.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperlimit.numerics import safe_ratio, safe_sqrt


def noise(key: PRNGKeyArray, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
    """Independent N(0, 1).

    Drawn as one row: in several axes under `vmap` XLA takes seconds to compile it.
    """
    return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)


# What is left of a feature, off those before it, that rounding cannot be told from.
_ROUNDINGS = 1e3


def basis(features: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """E, with a zero column for each feature that depends on those before it.

    Gram and Schmidt's, each feature projected twice, so that E is orthonormal to
    rounding however alike the features are.
    """
    rounding = _ROUNDINGS * jnp.finfo(features.dtype).eps

    def step(index: Int[Array, ""], found: Float[Array, "n c"]) -> Array:
        rest = whole = features[:, index]
        for _ in range(2):
            rest = rest - found @ (found.T @ rest)
        length = jnp.linalg.norm(rest)
        length = jnp.where(length > rounding * jnp.linalg.norm(whole), length, 0)
        return found.at[:, index].set(safe_ratio(rest, length))

    return jax.lax.fori_loop(0, features.shape[1], step, jnp.zeros_like(features))


def root(gram: Float[Array, "c c"]) -> Float[Array, "c c"]:
    """An upper triangular R with R^T R = gram, which may be singular.

    Cholesky's, written out: LAPACK's eigh and pinv under `vmap` over thousands of draws
    have been seen to hang on a CPU of two cores.
    """
    rounding = _ROUNDINGS * jnp.finfo(gram.dtype).eps * jnp.diagonal(gram)

    def step(index: Int[Array, ""], found: Float[Array, "c c"]) -> Array:
        left = gram[index] - found[:, index] @ found
        pivot = jnp.where(left[index] > rounding[index], left[index], 0)
        return found.at[index].set(safe_ratio(left, safe_sqrt(pivot)))

    return jnp.triu(jax.lax.fori_loop(0, len(gram), step, jnp.zeros_like(gram)))


def transposed(
    draws: Float[Array, "n k"],
    seen: Float[Array, "n c"],
    known: Float[Array, "c k"],
    upper: Float[Array, "k k"],
) -> Float[Array, "n k"]:
    r"""$W^T D$.

    Args:
        draws: independent N(0, 1), zero on rows that the width does not reach.
        seen: the basis E.
        known: $G^T D$.
        upper: a root of $D^T D$.
    """
    fresh = draws @ upper
    return fresh + seen @ (known - seen.T @ fresh)
