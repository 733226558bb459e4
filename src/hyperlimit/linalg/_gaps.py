"""One minus the cosine of every pair of rows, to the last digit that matters."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from hyperlimit.linalg._rows import Rows
from hyperlimit.numerics import clipped

# Up to this many columns differences are as cheap as a matrix product.
_FEW_COLUMNS = 8


def gaps(a: Rows, b: Rows) -> Float[Array, "n m"]:
    r"""$\delta_{ij} = 1 - \cos\angle(a_i, b_j)$, in $[0, 2]$.

    Pairs that are equal to the bit give exactly 0, negated ones exactly 2, a zero
    row 1 with everything. Other pairs whose $|\cos|$ is within $\epsilon^{0.4}$ of one
    are computed as $\frac12 |\hat a - \hat b|^2$, which has a small *relative* error
    where $1 - \hat a \cdot \hat b$ has a small absolute one only: so every angle up to
    a right one, $\sqrt{2\delta}$ near zero, errs by about $\sqrt d\,\epsilon^{0.8}$ at
    most, and by $\epsilon$ for the nearest ones. Rows that are opposite but for less
    than $\sqrt\epsilon$ have a gap within $\epsilon$ of 2, where its own spacing leaves
    the angle an error of $\sqrt\epsilon$.

    Cost O(n m d): one matrix product, and differences only if some pair of rows is
    nearly parallel without being equal.
    """
    if a.direction.shape[1] <= _FEW_COLUMNS:
        gap = _from_differences(a.direction, b.direction)
    else:
        product = jnp.matmul(
            a.direction, b.direction.T, precision=jax.lax.Precision.HIGHEST
        )
        equal, opposite = _coincidences(a, b)
        threshold = 1 - jnp.finfo(product.dtype).eps ** 0.4
        unresolved = (jnp.abs(product) > threshold) & ~(equal | opposite)
        gap = jax.lax.cond(
            jnp.any(unresolved),
            lambda: jnp.where(
                unresolved, _from_differences(a.direction, b.direction), 1 - product
            ),
            lambda: 1 - product,
        )
    equal, opposite = _coincidences(a, b)
    gap = jnp.where(equal, 0, jnp.where(opposite, 2, clipped(gap, 0, 2)))
    absent = (a.length == 0)[:, None] | (b.length == 0)[None, :]
    return jnp.where(absent, 1, gap)


def _coincidences(a: Rows, b: Rows) -> tuple[Bool[Array, "n m"], Bool[Array, "n m"]]:
    def matches(left: Array, right: Array) -> Array:
        first = left[:, None, 0] == right[None, :, 0]
        return first & (left[:, None, 1] == right[None, :, 1])

    return matches(a.fingerprint, b.fingerprint), matches(a.fingerprint, b.opposite)


def _from_differences(
    a: Float[Array, "n d"], b: Float[Array, "m d"]
) -> Float[Array, "n m"]:
    """Half squared chords, from whichever of b and -b is nearer."""
    if a.shape[1] <= _FEW_COLUMNS:
        apart, across = squared_distances(a, b), squared_distances(a, -b)
    else:
        apart, across = jax.lax.map(
            lambda row: (
                jnp.sum((row[None, :] - b) ** 2, axis=1),
                jnp.sum((row[None, :] + b) ** 2, axis=1),
            ),
            a,
        )
    return jnp.where(apart <= across, apart / 2, 2 - across / 2)


def squared_distances(
    a: Float[Array, "n d"], b: Float[Array, "m d"]
) -> Float[Array, "n m"]:
    """Squared Euclidean distances by differences: exactly 0 for equal rows."""
    total = jnp.zeros((a.shape[0], b.shape[0]), jnp.result_type(a, b))
    for column in range(a.shape[1]):
        total = total + (a[:, column, None] - b[None, :, column]) ** 2
    return total
