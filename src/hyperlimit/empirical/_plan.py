"""Which way of contraction is cheapest, by count."""

from dataclasses import dataclass
from typing import Literal, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hyperlimit.empirical._examples import Grid, shapes
from hyperlimit.empirical._flops import Cost, counted
from hyperlimit.empirical._reading import parameters, read
from hyperlimit.empirical._structured import kernels
from hyperlimit.empirical._vector_products import vector_products
from hyperlimit.empirical.tracing import Entry

Method = Literal["structured", "jacobian", "products"]
METHODS: tuple[Method, ...] = ("structured", "jacobian", "products")
_LARGEST = 2**31


@final
@dataclass(frozen=True)
class NTKPlan:
    """How an empirical kernel is contracted.

    Attributes:
        method: the one that is taken.
        costs: of each method, the flops in products and the largest array's bytes.
        contractions: how each trained array enters, if the method is "structured".
    """

    method: Method
    costs: dict[Method, Cost]
    contractions: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{'method':<12}{'Gflop':>12}{'largest array, MiB':>22}"]
        for name, cost in self.costs.items():
            mark = " <-" if name == self.method else ""
            flops, largest = cost.flops / 1e9, cost.largest / 2**20
            lines.append(f"{name:<12}{flops:>12.3g}{largest:>22.3g}{mark}")
        width = max(map(len, self.contractions), default=0)
        lines += [f"{n:<{width}}  {how}" for n, how in self.contractions.items()]
        return "\n".join(lines)


def plan(
    net: PyTree, trained: PyTree, one: Grid, two: Grid | None, outputs: str
) -> NTKPlan:
    """Counts every method for these inputs."""
    costs = {
        name: counted(
            lambda a, b, name=name: total(net, trained, a, b, outputs, name),
            _abstract(one),
            None if two is None else _abstract(two),
        )
        for name in METHODS
    }
    fitting = [
        name
        for name in METHODS
        if name == "structured" or costs[name].largest <= _LARGEST
    ]
    chosen = min(fitting, key=lambda name: costs[name].flops)
    return NTKPlan(chosen, costs, _contractions(net, trained, one))


def total(
    net: PyTree, trained: PyTree, one: Grid, two: Grid | None, outputs: str, method: str
) -> Array:
    """The kernel with axes (u, p, v, q) or (u, p, k, v, q, k)."""
    if method == "products":
        return vector_products(
            parameters(net, trained), one, one if two is None else two, outputs
        )
    added = each(net, trained, one, two, outputs, method)
    return sum(added[1:], added[0])


def each(
    net: PyTree, trained: PyTree, one: Grid, two: Grid | None, outputs: str, method: str
) -> list[Array]:
    """What each parameter adds to the kernel."""
    reading = read(net, trained, *shapes(one), structured=method == "structured")
    terms = reading.terms(one.x, one.z)
    other = terms if two is None else reading.terms(two.x, two.z)
    found = kernels(terms, other, outputs)
    rows, k = (len(one.x), one.points), reading.outputs
    columns = rows if two is None else (len(two.x), two.points)
    shape = (*rows, k, *columns, k) if outputs == "full" else (*rows, *columns)
    dtype = jnp.result_type(*(a.dtype for a in reading.stage.parameters))
    nothing = jnp.zeros(shape, dtype)
    share = 1 if outputs == "full" else 1 / k
    return [
        share * found[i] if i in found else nothing for i in range(len(reading.names))
    ]


def _abstract(given: Grid) -> Grid:
    """The grid as shapes and types."""
    return jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), given._replace(rows=None)
    )


def _contractions(net: PyTree, trained: PyTree, one: Grid) -> dict[str, str]:
    reading = read(net, trained, *shapes(one), structured=True)
    return {
        name: _described(entry)
        for name, entry in zip(reading.names, reading.stage.traced.entries, strict=True)
    }


def _described(entry: Entry) -> str:
    if not entry.used:
        return "not used"
    inputs = "" if entry.product is None else "(inputs . inputs) x "
    if entry.landings is not None:
        return inputs + "(kernel of g in what it writes)"
    if entry.product is None:
        return "(gradients . gradients)"
    return inputs + "(cotangents . cotangents)"
