"""What the kernel needs of a primary network, sampled without its weights."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.studies.kernel_convergence._features import (
    Pairs,
    features,
    live_rows,
    slope,
)
from hyperlimit.studies.kernel_convergence._gaussian_matrix import (
    noise,
    root,
    transposed,
)


def sampled_primary(
    key: PRNGKeyArray,
    pairs: Pairs,
    share: Float[Array, "r r"],
    depth: int,
    live: Float[Array, " m"],
) -> tuple[Float[Array, "k k"], Float[Array, "r k"]]:
    r"""$J_i \cdot J_j$ and $G_b \cdot J_i$, J being the derivative of g in V.

    The weights of g are $V(x_a) = \sum_b S_{ba} G_b$, every $G_b$ of the shape of V and
    all N(0, 1): the weights of f's last layer on a basis of what it reads.

    Args:
        key: for the weights of g.
        pairs: where.
        share: S; the covariance of each weight over x is $S^T S$.
        depth: weight layers of g.
        live: which rows its hidden layers have.
    """
    rows, r, k = len(live), len(pairs.x), len(pairs.z)
    keys = jax.random.split(key)
    output = live_rows(rows, 1, live.dtype)
    kept = jnp.stack([live] * (depth - 1) + [output])
    ahead = noise(keys[0], (depth, rows, r, k), live.dtype)
    ahead = kept[:, :, None, None] * ahead
    back = noise(keys[1], (depth - 1, rows, k), live.dtype)
    back = live[None, :, None] * back
    own = share[:, pairs.of]
    parts = root(pairs.z @ pairs.z.T / pairs.z.shape[1])
    grams, products, before, after = [], [], [], []
    for layer in range(depth):
        grams.append(parts.T @ parts)
        # Every G_b on the features of every pair.
        products.append(jnp.einsum("nbj,ji->nbi", ahead[layer], parts))
        before.append(jnp.einsum("nbi,bi->ni", products[-1], own))
        after.append(features(before[-1], live))
        parts = after[-1].parts
    errors = jnp.broadcast_to(output[:, None], (rows, k))
    overlap = errors.T @ errors
    total = grams[-1] * overlap
    known = jnp.einsum("nbi,ni->bi", products[-1], errors)
    for layer in reversed(range(depth - 1)):
        behind = transposed(
            back[layer],
            after[layer].seen,
            jnp.einsum("nbj,ni,bi->ji", ahead[layer + 1], errors, own),
            root(own.T @ own * overlap),
        )
        errors = behind * slope(before[layer]) / jnp.sqrt(live.sum())
        overlap = errors.T @ errors
        total = total + grams[layer] * overlap
        known = known + jnp.einsum("nbi,ni->bi", products[layer], errors)
    return total, known
