"""A hypernetwork's kernel as a function of numbers in its description."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.layers import KernelState
from hyperlimit.limits._walk import walk
from hyperlimit.limits.gram._parts import Part, parts_of, primary_kernels
from hyperlimit.networks import (
    FreeNumber,
    Hypernetwork,
    Network,
    free_numbers,
    with_numbers,
)
from hyperlimit.numerics import Positive


class FreeKernel(eqx.Module):
    """The kernel of one architecture; its numbers are values, not part of the code.

    What is compiled for it serves all values, and differentiates in them.

    Attributes:
        template: the description, with placeholders.
        kind: "ntk" or "nngp".
        of_meta, of_primary: which numbers the values are, f's first.
        values: positive, (q,).
    """

    template: Hypernetwork = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    of_meta: tuple[FreeNumber, ...] = eqx.field(static=True)
    of_primary: tuple[FreeNumber, ...] = eqx.field(static=True)
    values: Float[Array, " q"] | Float[np.ndarray, " q"]

    @property
    def meta(self) -> Network:
        """f at the values; inside a compiled function."""
        return self._at(self.template.meta, self.of_meta, 0)

    @property
    def primary(self) -> Network:
        """g at the values; inside a compiled function."""
        return self._at(self.template.primary, self.of_primary, len(self.of_meta))

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the sum of is the kernel, at the values."""
        values = np.asarray(self.values)[len(self.of_meta) :]
        found = parts_of(self.template.primary, self.kind)
        return tuple(
            part._replace(numbers=self.of_primary, values=values) for part in found
        )

    def spec(self) -> Hypernetwork:
        """The description with the values in it."""
        values = [float(v) for v in np.asarray(self.values)]
        split = len(self.of_meta)
        return Hypernetwork(
            with_numbers(self.template.meta, self.of_meta, values[:split]),
            with_numbers(self.template.primary, self.of_primary, values[split:]),
        )

    def at(self, values: Any) -> "FreeKernel":
        """The same kernel at other values."""
        return eqx.tree_at(lambda kernel: kernel.values, self, values)

    def prepare(self, x: Array, z: Array) -> tuple[PyTree, PyTree]:
        """What the kernels need of images and of coordinates, at any values."""
        return (
            self.template.meta.limit_inputs.prepare(x),
            self.template.primary.limit_inputs.prepare(z),
        )

    def entries(
        self, a: tuple[PyTree, PyTree], b: tuple[PyTree, PyTree]
    ) -> Float[Array, "m n"]:
        """The kernel of all pairs of prepared points."""
        meta, primary = self.meta, self.primary
        images = walk(meta, meta.limit_inputs.gram_state(a[0], b[0]))
        coordinates = primary.limit_inputs.gram_state(a[1], b[1])
        assert isinstance(coordinates, KernelState)
        return getattr(primary_kernels(primary, coordinates, images), self.kind)

    def _at(
        self, network: Network, numbers: tuple[FreeNumber, ...], first: int
    ) -> Network:
        values = jnp.asarray(self.values)
        new = [Positive(values[first + i]) for i in range(len(numbers))]
        return with_numbers(network, numbers, new)


def free_kernel(spec: Hypernetwork, kind: str, names: Sequence[str]) -> FreeKernel:
    """The kernel with the numbers of some names as values."""
    sides, values = [], []
    for network in (spec.meta, spec.primary):
        found = free_numbers(network, names)
        # Placeholders: descriptions that differ in their values compile to one code.
        marks = [FreeNumber(one.name, 1.0 + i) for i, one in enumerate(found)]
        template = with_numbers(network, found, [one.value for one in marks])
        sides.append((template, tuple(marks)))
        values += [one.value for one in found]
    (meta, of_meta), (primary, of_primary) = sides
    return FreeKernel(
        Hypernetwork(meta, primary), kind, of_meta, of_primary, np.asarray(values)
    )
