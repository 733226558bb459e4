"""A network whose generated weights start at the right size, and mostly shared."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from hyperlimit.diagnosis._problem import Problem
from hyperlimit.diagnosis._scales import Scales, read_on
from hyperlimit.empirical import parameters
from hyperlimit.empirical.tracing import Entry, Landing, Traced


class Corrected(NamedTuple):
    """What came of corrections.

    Attributes:
        net: the network.
        shared: whether weights now start from a draw that all x share.
        missed: what it writes that could not be multiplied, since f's output does more
            than move, scale and add on its way there.
    """

    net: PyTree
    shared: bool
    missed: tuple[str, ...]


def corrected(
    net: PyTree,
    trained: PyTree,
    data: Problem,
    found: Scales,
    *,
    varying: float,
    key: Array,
) -> Corrected:
    r"""Multiplies arrays of f and what it writes by the factors that were found.

    Where everything that the last layer writes has a bias, or something else that is
    added to it, its matrix is then multiplied by $\alpha$ (`varying`), and the bias
    becomes a random draw that keeps every weight's size: x has a say of $\alpha$ in the
    weights, beside what all share.
    """
    reading = read_on(net, trained, data)
    assert reading.upper is not None
    traced, names = reading.stage.traced, reading.upper.names
    held = parameters(net, trained)
    arrays = [
        array * jnp.asarray(found.meta_factors.get(name, 1.0), array.dtype)
        for array, name in zip(held.arrays, held.names, strict=True)
    ]
    factors = [found.primary_factors.get(name, 1.0) for name in names]
    before = _written(traced, arrays, data)
    spans = [
        (index, entry, landing)
        for index, entry in enumerate(traced.entries)
        for landing in entry.landings or ()
    ]
    moved = {to.output for _, entry, to in spans if entry.product is not None}
    spans = [span for span in spans if span[2].output in moved]
    for index, entry, to in spans:
        arrays[index] = _piece(arrays[index], entry, to, factors[to.output])
    sizes = _written(traced, arrays, data)
    missed = tuple(
        name
        for name, factor, one, two in zip(names, factors, before, sizes, strict=True)
        if factor != 1 and abs(two - factor * one) > 0.01 * factor * one
    )
    biased = {to.output for _, entry, to in spans if entry.product is None}
    shared = biased == moved and bool(moved)
    drawn: set[int] = set()
    for index, entry, to in spans if shared else ():
        if entry.product is not None:
            arrays[index] = _piece(arrays[index], entry, to, varying)
            continue
        key, here = jax.random.split(key)
        draw = jax.random.normal(here, (to.stop - to.start,), arrays[index].dtype)
        rest = sizes[to.output] * (1 - varying**2) ** 0.5 / abs(to.scale)
        # Where several arrays are added to one, the first has all of the draw.
        rest = 0.0 if to.output in drawn else rest
        drawn.add(to.output)
        arrays[index] = _piece(arrays[index], entry, to, 0.0, rest * draw)
    return Corrected(held.combine(arrays), shared, missed)


def _piece(
    array: Array,
    entry: Entry,
    landing: Landing,
    factor: float,
    added: Array | None = None,
) -> Array:
    """One piece of an array of f's last layer multiplied, and added to."""
    start, stop = landing.start, landing.stop
    if entry.product is None:
        flat = array.reshape(-1)
        piece = factor * flat[start:stop]
        piece = piece if added is None else piece + added
        return flat.at[start:stop].set(piece).reshape(array.shape)
    rows = array if entry.product.left else array.T
    rows = rows.at[start:stop].multiply(factor)
    return rows if entry.product.left else rows.T


def _written(traced: Traced, arrays: list[Array], data: Problem) -> list[float]:
    """The size of everything that is written for the data's x."""

    @eqx.filter_jit
    def sizes(arrays: list[Array], x: Array) -> list[Array]:
        outputs = jax.vmap(lambda x: traced.evaluate({}, arrays, [x]).outputs)(x)
        return [jnp.sqrt(jnp.mean(output**2)) for output in outputs]

    return [float(size) for size in np.asarray(sizes(arrays, data.x))]
