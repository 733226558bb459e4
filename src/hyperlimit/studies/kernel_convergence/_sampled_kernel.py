"""The empirical NTK of a finite ReLU hypernetwork, sampled without its weights."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperlimit.studies.kernel_convergence._features import (
    Features,
    Pairs,
    between_pairs,
    features,
    live_rows,
    slope,
)
from hyperlimit.studies.kernel_convergence._gaussian_matrix import (
    noise,
    root,
    transposed,
)
from hyperlimit.studies.kernel_convergence._sampled_primary import sampled_primary

# Rows of one layer worked on at a time.
_TOGETHER = 2**16


class Level(NamedTuple):
    """Weights of f, and the hidden layer above them.

    Attributes:
        gram: that of what the weights read.
        weights: they, on an orthonormal basis of it: $G$.
        before: $y$ above, before the activation.
        above: the features there.
    """

    gram: Float[Array, "r r"]
    weights: Float[Array, "n r"]
    before: Float[Array, "n r"]
    above: Features


@functools.partial(jax.jit, static_argnames=("depths", "count", "rows"))
def sampled_kernels(
    key: PRNGKeyArray,
    pairs: Pairs,
    widths: Int[Array, "2"],
    *,
    depths: tuple[int, int],
    count: int,
    rows: int,
) -> Float[Array, "s k k"]:
    """Draws of the empirical NTK between pairs, exact in law, (count, k, k).

    The sum over all weights of f of products of derivatives of h, in NTK
    parametrisation, g having one output and generated weights only. No weight matrix
    is drawn (`_gaussian_matrix.py`): a draw costs O(rows (r + k) k), where a network
    has some n m^2 weights.

    Args:
        key: for all draws.
        pairs: where.
        widths: of f and of g, n and m.
        depths: weight layers of f and of g, L and H.
        count: how many draws.
        rows: the largest width that is asked for: all widths share one compilation.
    """
    n, m = (live_rows(rows, width, pairs.x.dtype) for width in widths)

    def draw(key: PRNGKeyArray) -> Float[Array, "k k"]:
        keys = jax.random.split(key, 3)
        levels = _meta_levels(keys[0], pairs.x, depths[0], n)
        last = levels[-1].above
        gram, known = sampled_primary(keys[1], pairs, last.parts, depths[1], m)
        inner = _meta_inner(keys[2], pairs.of, levels, gram, known, n)
        return between_pairs(last.gram, pairs.of) * gram + inner

    return _many(draw, key, count, rows)


@functools.partial(jax.jit, static_argnames=("depth", "count", "rows"))
def sampled_meta_wide_kernels(
    key: PRNGKeyArray,
    pairs: Pairs,
    kernels: tuple[Float[Array, "r r"], Float[Array, "r r"]],
    width: Int[Array, ""],
    *,
    depth: int,
    count: int,
    rows: int,
) -> Float[Array, "s k k"]:
    """The same for an infinitely wide f, given by its GP kernel and NTK at x.

    The weights V are a Gaussian process then, and the empirical NTK is
    Theta_f(x, x') J . J'.
    """
    nngp, ntk = kernels
    live = live_rows(rows, width, pairs.z.dtype)

    def draw(key: PRNGKeyArray) -> Float[Array, "k k"]:
        gram, _ = sampled_primary(key, pairs, root(nngp), depth, live)
        return between_pairs(ntk, pairs.of) * gram

    return _many(draw, key, count, rows)


def _many(
    draw: Callable[[PRNGKeyArray], Array], key: PRNGKeyArray, count: int, rows: int
) -> Float[Array, "s k k"]:
    # A divisor: with a remainder the draw would be compiled twice.
    most = max(1, min(count, _TOGETHER // rows))
    together = max(part for part in range(1, most + 1) if count % part == 0)
    keys = jax.random.split(key, count)
    return jax.lax.map(draw, keys, batch_size=together)


def _meta_levels(
    key: PRNGKeyArray, x: Float[Array, "r dx"], depth: int, live: Float[Array, " n"]
) -> list[Level]:
    """All weights of f but the last, and the hidden layers above them."""
    shape = (depth - 1, len(live), len(x))
    weights = live[None, :, None] * noise(key, shape, x.dtype)
    parts, levels = root(x @ x.T / x.shape[1]), []
    for layer in range(depth - 1):
        before = weights[layer] @ parts
        above = features(before, live)
        levels.append(Level(parts.T @ parts, weights[layer], before, above))
        parts = above.parts
    return levels


def _meta_inner(
    key: PRNGKeyArray,
    of: Int[Array, " k"],
    levels: list[Level],
    gram: Float[Array, "k k"],
    known: Float[Array, "r k"],
    live: Float[Array, " n"],
) -> Float[Array, "k k"]:
    r"""The share of the weights of f below its last layer.

    Args:
        key: for what the weights do backward.
        of: which x a pair has.
        levels: the hidden layers of f.
        gram: that of the errors at f's outputs, J.
        known: those errors on what is known of the last layer, $G^T J$.
        live: which rows the hidden layers have.
    """
    shape = (len(levels), len(live), len(of))
    draws = live[None, :, None] * noise(key, shape, gram.dtype)
    total = jnp.zeros_like(gram)
    for index in reversed(range(len(levels))):
        level = levels[index]
        behind = transposed(draws[index], level.above.seen, known, root(gram))
        errors = behind * slope(level.before[:, of]) / jnp.sqrt(live.sum())
        gram, known = errors.T @ errors, level.weights.T @ errors
        total = total + between_pairs(level.gram, of) * gram
    return total
