"""What every infinite-width limit offers: its two kernels."""

import functools
from abc import ABC, abstractmethod
from typing import NamedTuple

import jax
from jaxtyping import Array, Float, PyTree

from hyperlimit.errors import InputError
from hyperlimit.layers import KernelState
from hyperlimit.linalg import TILE, tiled, tiled_symmetric


class Kernels(NamedTuple):
    """Both kernels of one call."""

    nngp: Float[Array, "..."]
    ntk: Float[Array, "..."]


class AbstractLimit(ABC):
    """Kernels of an infinitely wide network, on whatever it reads.

    A limit is frozen data: it hashes, and keys the compiled functions. Outputs are
    independent with equal kernels, so that one number a pair serves any number of
    outputs.
    """

    @abstractmethod
    def prepare(self, inputs: PyTree) -> PyTree:
        """Checks inputs; returns what the kernels need of each, leading axis n."""

    @abstractmethod
    def pair_size(self, a: PyTree) -> int:
        """How many numbers a kernel holds for one pair on its way to the outputs."""

    @abstractmethod
    def gram_state(self, a: PyTree, b: PyTree) -> KernelState:
        """The state of the outputs for all pairs of prepared inputs."""

    @abstractmethod
    def diagonal_state(self, a: PyTree) -> KernelState:
        """The state of the outputs for each prepared input with itself."""

    def kernels(self, inputs: PyTree, others: PyTree | None = None) -> Kernels:
        """The GP kernel and the NTK together, for less than the two apart.

        Args and errors as for `ntk`.
        """
        nngp, ntk = self._gram(inputs, others, ("nngp", "ntk"))
        return Kernels(nngp, ntk)

    def ntk(self, inputs: PyTree, others: PyTree | None = None) -> Float[Array, "n m"]:
        """The neural tangent kernel of every pair, (n, m).

        Without `others`, or with the very same arrays, the matrix is symmetric to the
        bit and costs half. Cost O(n m (d + layers)); peak memory is the result and a
        few tiles of a megabyte or so, except inside `jax.jit`, where it is a few
        matrices.

        Raises:
            InputError: for inputs of the wrong shape or kind.
        """
        return self._gram(inputs, others, ("ntk",))[0]

    def nngp(self, inputs: PyTree, others: PyTree | None = None) -> Float[Array, "n m"]:
        """The Gaussian-process kernel of every pair, (n, m); as `ntk`."""
        return self._gram(inputs, others, ("nngp",))[0]

    def ntk_diagonal(self, inputs: PyTree) -> Float[Array, " n"]:
        """The NTK of each input with itself, (n,), in O(n (d + layers))."""
        return _diagonal(self, self.prepare(inputs), "ntk")

    def nngp_diagonal(self, inputs: PyTree) -> Float[Array, " n"]:
        """The GP kernel of each input with itself, (n,), in O(n (d + layers))."""
        return _diagonal(self, self.prepare(inputs), "nngp")

    def _gram(
        self, inputs: PyTree, others: PyTree | None, which: tuple[str, ...]
    ) -> tuple[Array, ...]:
        tile = functools.partial(_tile, self, which)
        a = self.prepare(inputs)
        # Tiles of one number of entries, whatever lies behind an entry.
        size = max(1, int(TILE / self.pair_size(a) ** 0.5))
        if others is None or _same_arrays(inputs, others):
            return tiled_symmetric(tile, a, size)
        b = self.prepare(others)
        for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            if left.shape[1:] != right.shape[1:]:
                raise InputError(
                    f"{_described(left)} have no kernel with {_described(right)}: "
                    "give both sides the same columns."
                )
        return tiled(tile, a, b, size)


def _described(examples: Array) -> str:
    shape = examples.shape[1:]
    one = f"{shape[0]} numbers" if len(shape) == 1 else "x".join(map(str, shape))
    return f"rows of {one}"


@functools.partial(jax.jit, static_argnums=(0, 1))
def _tile(
    limit: AbstractLimit, which: tuple[str, ...], a: PyTree, b: PyTree
) -> tuple[Array, ...]:
    state = limit.gram_state(a, b)
    return tuple(getattr(state, name) for name in which)


@functools.partial(jax.jit, static_argnums=(0, 2))
def _diagonal(limit: AbstractLimit, a: PyTree, which: str) -> Float[Array, " n"]:
    return getattr(limit.diagonal_state(a), which)


def _same_arrays(one: PyTree, two: PyTree) -> bool:
    left, right = jax.tree.leaves(one), jax.tree.leaves(two)
    return jax.tree.structure(one) == jax.tree.structure(two) and all(
        a is b for a, b in zip(left, right, strict=True)
    )
