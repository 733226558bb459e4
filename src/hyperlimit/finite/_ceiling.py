"""How many x to work on at a time so that memory stays below a ceiling."""

import math
import re
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hyperlimit.errors import InputError

UNITS = {"": 1} | {
    prefix + unit: base**power
    for base, unit in ((1000, "B"), (1024, "iB"))
    for power, prefix in enumerate(("k" if base == 1000 else "K", "M", "G", "T"), 1)
}

Run = Callable[[PyTree, Array, Array, int | None], PyTree]


def chunk_for(
    run: Run,
    net: PyTree,
    x: Array,
    z: Array,
    chunk: int | None,
    memory: int | str | None,
) -> int | None:
    """The chunk that is given, or the largest one below a ceiling.

    Raises:
        InputError: for both, or as `fitting_chunk`.
    """
    if memory is None:
        return chunk
    if chunk is not None:
        raise InputError(
            f"chunk={chunk!r} and memory={memory!r} were given: give one of them."
        )
    return fitting_chunk(run, net, x, z, memory)


def fitting_chunk(
    run: Run, net: PyTree, x: Array, z: Array, memory: int | str
) -> int | None:
    """The most x at a time with which outputs and gradients stay below a ceiling.

    What counts is what XLA sets aside for itself to compute the outputs and their
    gradient in all arrays of the network: not the network, the gradient, x, z and the
    outputs. It grows nearly linearly with the chunk, so that three or four
    compilations find one; where a chunk fits, so does the one that is given.

    Args:
        run: the network, x, z and a chunk, to the outputs.
        memory: bytes, or "200MB", "1.5GiB" and the like.

    Returns:
        The chunk, or None where all x together fit.

    Raises:
        InputError: for what is no amount of memory, or less than one x at a time takes.
    """
    ceiling, count = amount(memory), len(x)

    def taken(chunk: int | None) -> int:
        return _taken(run, net, x, z, chunk)

    together = taken(None)
    if together <= ceiling or count == 1:
        _check(memory, ceiling, together)
        return None
    least = taken(1)
    _check(memory, ceiling, min(together, least))
    slope = max((together - least) / (count - 1), 1)
    chunk = min(int((ceiling - least) / slope) + 1, -(-count // 2))
    while chunk > 1:
        above = taken(chunk) - ceiling
        if above <= 0:
            return chunk
        # From two x on, a chunk's gradient stands beside the sum of those before.
        chunk -= max(1, math.ceil(above / slope))
    return 1


def amount(memory: int | str) -> int:
    """Bytes, from a number or from words.

    Raises:
        InputError: for what is neither.

    Examples:
        >>> amount("1.5GiB")
        1610612736
    """
    if isinstance(memory, int) and not isinstance(memory, bool) and memory > 0:
        return memory
    parts = re.fullmatch(r"\s*([\d.]+)\s*(\w*)\s*", str(memory))
    if isinstance(memory, str) and parts and parts[2] in UNITS:
        try:
            return int(float(parts[1]) * UNITS[parts[2]])
        except ValueError:
            pass
    raise InputError(
        f'memory={memory!r} is no amount of memory: give bytes, or "200MB", "2GiB".'
    )


def _check(memory: int | str, ceiling: int, least: int) -> None:
    if least > ceiling:
        raise InputError(
            f"memory={memory!r} holds no chunk of this network: the gradient takes at "
            f"least {least / 1e6:.1f}MB beside the network's own arrays."
        )


def _taken(run: Run, net: PyTree, x: Array, z: Array, chunk: int | None) -> int:
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)
    others, rest = eqx.partition(rest, eqx.is_array)

    def outputs(arrays: PyTree, others: PyTree, x: Array, z: Array) -> PyTree:
        found = run(eqx.combine(arrays, others, rest), x, z, chunk)
        return eqx.filter(found, eqx.is_inexact_array)

    def both(
        arrays: PyTree, others: PyTree, x: Array, z: Array, slopes: PyTree
    ) -> tuple[PyTree, PyTree]:
        found, pull = jax.vjp(lambda a: outputs(a, others, x, z), arrays)
        return found, pull(slopes)

    given = jax.tree.map(_shape, (arrays, others, x, z))
    slopes = jax.eval_shape(outputs, *given)
    compiled = jax.jit(both).lower(*given, slopes).compile()
    found = compiled.memory_analysis()
    if found is None:
        raise InputError(
            f"the compiler for {jax.default_backend()!r} does not say how much memory "
            "it needs: give chunk=... in place of memory."
        )
    return found.temp_size_in_bytes


def _shape(array: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(jnp.shape(array), array.dtype)
