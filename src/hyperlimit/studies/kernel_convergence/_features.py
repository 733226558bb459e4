"""Pairs of inputs, and the features that layers of weights read of them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.studies.kernel_convergence._gaussian_matrix import basis


class Pairs(NamedTuple):
    """Pairs $u_i = (x_{a_i}, z_i)$.

    Attributes:
        x: inputs of the meta-network, (r, d_x), all different.
        z: inputs of the primary network, (k, d_z).
        of: which x each z goes with, $a$, (k,).
    """

    x: Float[Array, "r dx"]
    z: Float[Array, "k dz"]
    of: Int[Array, " k"]


class Features(NamedTuple):
    r"""What weights read.

    Attributes:
        seen: an orthonormal basis E of the features q.
        parts: $E^T q / \sqrt n$, a root of their Gram matrix over the width.
    """

    seen: Float[Array, "n c"]
    parts: Float[Array, "c c"]

    @property
    def gram(self) -> Float[Array, "c c"]:
        r"""$q \cdot q' / n$."""
        return self.parts.T @ self.parts


def features(before: Float[Array, "n c"], live: Float[Array, " n"]) -> Features:
    """Those of a hidden layer, from its values before the activation."""
    after = 2**0.5 * jax.nn.relu(before)
    seen = basis(after)
    return Features(seen, seen.T @ after / jnp.sqrt(live.sum()))


def slope(before: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """The activation's derivative; zero, too, on rows that the width does not reach."""
    return jnp.where(before > 0, 2**0.5, 0).astype(before.dtype)


def live_rows(rows: int, width: Int[Array, ""] | int, dtype: jnp.dtype) -> Array:
    """One on the rows that a layer of a width has, zero on the rest."""
    return (jnp.arange(rows) < width).astype(dtype)


def between_pairs(
    kernel: Float[Array, "r r"], of: Int[Array, " k"]
) -> Float[Array, "k k"]:
    """A kernel of x at the x of every pair."""
    return kernel[of][:, of]
