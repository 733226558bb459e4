"""How images are dealt out to devices."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Bool, Float, Int, PyTree

from hyperlimit.errors import InputError

AXIS = "images"
Tree = TypeVar("Tree")


def image_mesh() -> Mesh:
    """All devices of all processes in a row, its one axis called "images"."""
    return Mesh(np.array(jax.devices()), (AXIS,))


@final
@dataclass(frozen=True)
class ImageRows:
    r"""n images dealt out to the ranks of a mesh, one run of neighbours each.

    A rank is a device. Every rank has `size` $= \lceil n / R \rceil$ rows; those
    beyond the last image are padding, zero in every vector. Vectors on images x
    coordinates are (R size p, c), global arrays of which each rank holds its own rows.

    Attributes:
        mesh: of one axis, "images".
        images: n.

    Examples:
        >>> rows = ImageRows(image_mesh(), 3)
        >>> vector = rows.scattered(np.arange(6.0)[:, None])
        >>> print(rows.gathered(vector)[:, 0])
        [0. 1. 2. 3. 4. 5.]
    """

    mesh: Mesh
    images: int

    def __post_init__(self):
        if self.mesh.axis_names != (AXIS,):
            raise InputError(
                f"a mesh with the axes {self.mesh.axis_names} was given: give one with "
                f"the one axis {AXIS!r}, as image_mesh() makes."
            )
        if self.images < 1:
            raise InputError(f"{self.images} images were given: give at least one.")

    @property
    def ranks(self) -> int:
        """R, how many devices the mesh has."""
        return self.mesh.size

    @property
    def size(self) -> int:
        """Rows of one rank, padding included."""
        return -(-self.images // self.ranks)

    @property
    def padded(self) -> int:
        """Rows of all ranks, padding included."""
        return self.ranks * self.size

    def unpadded(self, rows: int) -> int:
        """How many of so many rows of a vector are no padding: the first ones."""
        return rows // self.padded * self.images

    def numbers(self, rank: int) -> Int[np.ndarray, " size"]:
        """Which images a rank has; where it has padding, the last image again."""
        index = rank * self.size + np.arange(self.size)
        return np.where(index < self.images, index, self.images - 1)

    def scattered(self, vectors: Float[np.ndarray, "np c"]) -> Float[Array, "Np c"]:
        """A global array from one that every process has: each reads its own rows.

        A memory map will do. Cost: no messages.

        Raises:
            InputError: if the rows are no multiple of the images.
        """
        if len(vectors) % self.images:
            raise InputError(
                f"{len(vectors)} rows were given for {self.images} images: give as "
                "many rows for every image."
            )
        each = len(vectors) // self.images
        shape = (self.padded * each, vectors.shape[1])

        def part(index: tuple[slice, ...] | None) -> np.ndarray:
            assert index is not None
            start, stop, _ = index[0].indices(shape[0])
            found = np.asarray(vectors[start:stop])
            return np.pad(found, ((0, stop - start - len(found)), (0, 0)))

        return jax.make_array_from_callback(shape, self.sharding(P(AXIS, None)), part)

    def gathered(self, vectors: Float[Array, "Np c"]) -> Float[np.ndarray, "np c"]:
        """The rows of all images, on every process; every process must call it."""
        whole = np.asarray(jax.jit(_same, out_shardings=self.sharding(P()))(vectors))
        return whole[: self.unpadded(len(whole))]

    def own(self) -> tuple[Int[Array, " size"], Bool[Array, " size"]]:
        """A rank's images inside `jax.shard_map`, and which of them are no padding."""
        offset = jnp.arange(self.size)
        index = jax.lax.axis_index(AXIS).astype(offset.dtype) * self.size + offset
        there = index < self.images
        return jnp.where(there, index, 0), there

    def sharding(self, spec: P) -> NamedSharding:
        """Of arrays on this mesh."""
        return NamedSharding(self.mesh, spec)

    def everywhere(self, array: Array | np.ndarray) -> Array:
        """The same array on every rank, from one that every process has."""
        given = np.asarray(array)
        return jax.make_array_from_callback(
            given.shape, self.sharding(P()), lambda index: given[index]
        )

    def stacked(self, make: Callable[[int], Tree]) -> Tree:
        """Every rank's own tree of arrays as one of global arrays (R, ...).

        Args:
            make: the tree of a rank; called for the ranks of this process alone. Trees
                must be alike in all but their numbers.
        """
        here = [
            (rank, device)
            for rank, device in enumerate(self.mesh.devices.flat)
            if device.process_index == jax.process_index()
        ]
        trees = [
            jax.device_put(jax.tree.map(_with_axis, make(rank)), device)
            for rank, device in here
        ]

        def joined(*parts: Array) -> Array:
            shape = (self.ranks, *parts[0].shape[1:])
            sharding = self.sharding(P(AXIS))
            return jax.make_array_from_single_device_arrays(
                shape, sharding, list(parts)
            )

        return jax.tree.map(joined, *trees)


def unstacked(tree: PyTree) -> PyTree:
    """A rank's own tree, inside `jax.shard_map`."""
    return jax.tree.map(lambda leaf: leaf[0], tree)


def _with_axis(leaf: Array) -> Array:
    return jnp.asarray(leaf)[None]


def _same(array: Array) -> Array:
    return array
