"""Fresh networks like the one that is diagnosed, and wider ones."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from jaxtyping import Array, PyTree

from hyperlimit.diagnosis._problem import Problem
from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteHypernetwork, UnshapedHypernetwork, init
from hyperlimit.networks import Hypernetwork, Network, with_hidden_width


class Source(NamedTuple):
    """Where networks come from.

    Attributes:
        draw: a key to a network.
        spec: the description, if there is one.
        described: a description and a key to a network.
    """

    draw: Callable[[Array], PyTree]
    spec: Hypernetwork | None = None
    described: Callable[[Hypernetwork, Array], PyTree] | None = None


def drawing(
    net: PyTree, draw: Callable[[Array], PyTree] | None, data: Problem, key: Array
) -> tuple[PyTree, Source | None]:
    """The network, and where others like it come from, if that is known.

    Raises:
        InputError: for what is no network.
    """
    if isinstance(net, Network):
        raise InputError(
            "diagnose was given a Network: give a Hypernetwork, or a network that "
            "writes another."
        )
    if isinstance(net, Hypernetwork):
        source = _described(net, data, "ntk")
        return source.draw(key), source
    if isinstance(net, UnshapedHypernetwork):
        net = net.shaped(data.x[0], data.z[0, 0])
    if not callable(net):
        raise InputError(
            f"diagnose was given a {type(net).__name__}: give a hypernetwork, finite "
            "or described."
        )
    if draw is not None:
        return net, Source(draw)
    if isinstance(net, FiniteHypernetwork):
        return net, _described(net.spec, data, net.meta.parametrisation)
    return net, None


def _described(spec: Hypernetwork, data: Problem, name: str) -> Source:
    def described(spec: Hypernetwork, key: Array) -> PyTree:
        return init(spec, key=key, x=data.x, z=data.z, parametrisation=name)

    return Source(lambda key: described(spec, key), spec, described)


def widened(source: Source) -> Iterator[tuple[str, Callable[[Array], PyTree]]]:
    """The same networks with one side twice as wide, where they are described."""
    if source.spec is None or source.described is None:
        return
    for name, role in (("f twice as wide", "meta"), ("g twice as wide", "primary")):
        network = getattr(source.spec, role)
        width = _width(network)
        if width is None:
            continue
        spec = replace(source.spec, **{role: with_hidden_width(network, 2 * width)})
        yield name, functools.partial(source.described, spec)


def _width(network: Network) -> int | None:
    """The largest hidden width, if there is one."""
    widths = [getattr(layer, "width", None) for layer in network.layers[:-1]]
    found = [width for width in widths if isinstance(width, int)]
    return max(found, default=None)
