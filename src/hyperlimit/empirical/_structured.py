"""The empirical kernel from factors, parameter by parameter."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from hyperlimit.empirical._factors import Factor, expanded, gram, rights
from hyperlimit.empirical.tracing import Traced


class Stage(NamedTuple):
    """One function of parameters and an example: what is differentiated at once."""

    traced: Traced
    parameters: list[Array]


class Upper(NamedTuple):
    """g as a function of its weights, and the other arrays that x gives it.

    Attributes:
        names: the paths of the weights in g.
        traced: g.
        others: x to the arrays of g that are not of floating point.
    """

    names: tuple[str, ...]
    traced: Traced
    others: Callable[[list[Array]], list[Array]]


class Terms(NamedTuple):
    """All gradients of one set of examples.

    Attributes:
        factors: by number of the parameter.
        upper: by number of the generated parameter, where there are two stages.
        through: by number of the parameter: the second factor, or None, and the
            generated parameters that it goes to, each with a scale.
    """

    factors: dict[int, Factor]
    upper: dict[int, Factor]
    through: dict[int, tuple[Array | None, tuple[tuple[int, float], ...]]]


def single_terms(stage: Stage, x: list[Array], z: list[Array], count: int) -> Terms:
    """The gradients of a network of one stage; x has leading axes (u,), z (u, p)."""

    def one(x: list[Array], z: list[Array]):
        return _pulled(stage.traced, stage.parameters, x + z, _basis(count))[:2]

    points = z[0].shape[1] if z else 1
    many = jax.vmap(one, in_axes=(None, 0), axis_size=points)
    lefts, seconds = jax.vmap(many)(x, z)
    return Terms(_factors(stage.traced, lefts, seconds), {}, {})


def composed_terms(
    lower: Stage, upper: Upper, x: list[Array], z: list[Array], count: int
) -> Terms:
    """The gradients of g(z; f(x)); x has a leading axis (u,), z (u, p)."""
    inner = any(entry.pulled for entry in lower.traced.entries)

    def of_one_x(x: list[Array], z: list[Array]):
        generated = lower.traced.evaluate({}, lower.parameters, x).outputs

        others = upper.others(x)

        def of_one_z(z: list[Array]):
            return _pulled(upper.traced, generated, z + others, _basis(count))

        lefts, seconds, gradients = jax.vmap(of_one_z)(z)
        if not inner:
            seen = lower.traced.evaluate({}, lower.parameters, x).operands
            return lefts, seconds, {}, seen
        below, seen, _ = _pulled(
            lower.traced, lower.parameters, x, lambda _: gradients, depth=2
        )
        return lefts, seconds, below, seen

    lefts, seconds, below, multiplied = jax.vmap(of_one_x)(x, z)
    shared = {index: right[:, None] for index, right in multiplied.items()}
    through = {
        index: (
            shared.get(index),
            tuple((to.output, entry.scale * to.scale) for to in entry.landings),
        )
        for index, entry in enumerate(lower.traced.entries)
        if entry.used and entry.landings is not None
    }
    return Terms(
        _factors(lower.traced, below, shared),
        _factors(upper.traced, lefts, seconds),
        through,
    )


def kernels(one: Terms, two: Terms, outputs: str) -> dict[int, Array]:
    """What each parameter adds to the kernel, by its number."""
    below: dict[int, Array] = {}
    above: dict[int, Array] = {}
    found = {
        index: gram(factor, two.factors[index], outputs, below)
        for index, factor in one.factors.items()
    }
    generated: dict[int, Array] = {}
    for index, (right, landings) in one.through.items():
        other = two.through[index][0]
        parts = []
        for to, scale in landings:
            if to not in generated:
                generated[to] = gram(one.upper[to], two.upper[to], outputs, above)
            parts.append(scale**2 * generated[to])
        total = sum(parts[1:], parts[0])
        if right is not None and other is not None:
            total = total * expanded(rights(right, other), outputs)
        found[index] = total
    return found


def _pulled(
    traced: Traced,
    parameters: list[Array],
    example: list[Array],
    cotangents: Callable[[list[Array]], list[Array]],
    depth: int = 1,
) -> tuple[dict[int, Array], dict[int, Array], list[Array]]:
    """First factors, second factors, and whole gradients, of one example."""
    start = {
        number: jnp.zeros(shape.shape, shape.dtype)
        for number, shape in traced.perturbed.items()
    }

    def evaluated(moved: dict[int, Array], given: list[Array]):
        found = traced.evaluate(moved, given, example)
        return found.outputs, found.operands

    outputs, pull, seconds = jax.vjp(evaluated, start, parameters, has_aux=True)
    for _ in range(depth):
        pull = jax.vmap(pull)
    junctions, gradients = pull(cotangents(outputs))
    lefts = {}
    for index, entry in enumerate(traced.entries):
        if entry.pulled:
            split = _mapped(lambda a, i=index: traced.cotangent(i, a), depth)
            lefts[index] = split(junctions[entry.junction])
    return lefts, seconds, gradients


def _mapped(function: Callable, depth: int) -> Callable:
    for _ in range(depth):
        function = jax.vmap(function)
    return function


def _basis(count: int) -> Callable[[list[Array]], list[Array]]:
    """One cotangent for each of the numbers in the one output."""

    def cotangents(outputs: list[Array]) -> list[Array]:
        (output,) = outputs
        return [jnp.eye(count, dtype=output.dtype).reshape(count, *output.shape)]

    return cotangents


def _factors(
    traced: Traced, lefts: dict[int, Array], seconds: dict[int, Array]
) -> dict[int, Factor]:
    found = {}
    for index, left in lefts.items():
        entry = traced.entries[index]
        right = None if entry.product is None else seconds[index]
        found[index] = Factor(left, right, entry.scale, entry.junction)
    return found
