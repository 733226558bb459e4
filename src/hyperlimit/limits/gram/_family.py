"""A Gram matrix that moves with the numbers of its description."""

import functools
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.errors import InputError
from hyperlimit.limits.gram._check import checked_error
from hyperlimit.limits.gram._expanded import mirrored, scales_of
from hyperlimit.limits.gram._expansion import Box
from hyperlimit.limits.gram._free_kernel import FreeKernel
from hyperlimit.limits.gram._gram_of import check_scales, chosen_points
from hyperlimit.limits.gram._left_terms import left_terms
from hyperlimit.limits.gram._meta_kernels import MetaDiagonal, MetaKernels
from hyperlimit.limits.gram._pieces import (
    Diagonal,
    Layout,
    angle_and_tangent,
    diagonal,
)
from hyperlimit.limits.gram._points import Points
from hyperlimit.limits.gram._renewal import coordinate_state, renewed
from hyperlimit.limits.gram._setting import Setting, Sides
from hyperlimit.limits.gram._slopes import (
    compiled_factors,
    own_slopes,
    pulled_slopes,
    tile_slopes,
)
from hyperlimit.linalg import TILE, tiled
from hyperlimit.linalg.operators import AbstractOperator, KroneckerSum

# Numbers of one array in a tile of the gradient.
_TILE_NUMBERS = 2**22


@final
class GramFamily:
    r"""$G(\theta)$ on images x coordinates, and gradients of its quadratic forms.

    Between two values of $\theta$ the nodes and the polynomials $c_k$ of the expansion
    stay, and nothing is compiled again: in

    $$G = \sum_k A_k \otimes B_k + \ldots,\quad A_k = c_k(\varphi(\theta)),\quad
      B_k = F(\varphi_k; \theta)$$

    both factors move. After each move entries are checked against the kernel, and the
    nodes are renewed once the error exceeds the tolerance.

    Args:
        kernel: with the numbers that move.
        points: images, coordinates, and which of their pairs.
        dtype: of the operators.
        pair_size: how many numbers a pair of images takes on its way through f.
        tolerance: on an entry, in units of the largest.
        memory: bytes that left factors may take.
    """

    def __init__(
        self,
        kernel: FreeKernel,
        points: Points,
        dtype: Any,
        pair_size: int,
        *,
        tolerance: float,
        memory: int,
    ):
        numbers = 2 * len(points.x) ** 2 * np.dtype(dtype).itemsize
        if numbers > memory:
            raise InputError(
                f"f's kernels between {len(points.x)} images take {numbers} bytes and "
                f"memory={memory} was given: give more, or learn from fewer images."
            )
        self.kernel, self.points, self.tolerance = kernel, points, tolerance
        self._setting = Setting(kernel.template, kernel.kind, dtype, memory, pair_size)
        with jax.enable_x64(True):
            self._a, self._z = kernel.prepare(
                jnp.asarray(points.x, jnp.float64), jnp.asarray(points.z, jnp.float64)
            )
        self._layouts: tuple[Layout, ...] | None = None
        self.renewals = 0

    def operator(self, values: Float[np.ndarray, " q"]) -> AbstractOperator:
        """G at some values, within the tolerance.

        Raises:
            InputError: if no expansion meets it.
        """
        kernel = self.kernel.at(values)
        with jax.enable_x64(True):
            found = _diagonal(kernel, self._a)
            kernels = self._meta_kernels(kernel)
        std = np.exp(np.asarray(found.log_std))
        check_scales(std)
        error = largest = np.inf
        for fresh in (False, True):
            if fresh or not self._serves(std, kernels.angle):
                self._layouts = renewed(
                    kernel,
                    found,
                    (self._a, self._z),
                    float(kernels.angle.max()),
                    self.tolerance,
                    self._layouts,
                )
                self.renewals += 1
            whole = self._assembled(kernel, found, kernels)
            largest = float(jnp.max(whole.diagonal()))
            operator = chosen_points(whole, self.points, self.points)
            error = self._error(kernel, operator, std, np.asarray(found.tangent))
            if error <= self.tolerance * largest:
                return operator
        raise InputError(
            f"entries of the Gram matrix reach {largest:.3g} and are off by up to "
            f"{error:.1e} in {self._setting.dtype}, and {self.tolerance:.1e} of the "
            "largest was asked for: use float64, or learn from a subset densely."
        )

    def gradient(
        self,
        values: Float[np.ndarray, " q"],
        vectors: Float[Array, "v c"],
        weights: Float[np.ndarray, " c"],
        trace: float,
    ) -> Float[np.ndarray, " q"]:
        r"""Of $\sum_c w_c\, v_c^T G v_c + t \operatorname{tr} G$, for fixed vectors.

        Called after `operator` at the same values. Backwards through f for all pairs
        of images and through g at the nodes: some six products with G for each vector,
        whatever the number of values.
        """
        assert self._layouts is not None
        n, kernel = len(self.points.x), self.kernel.at(values)
        with jax.enable_x64(True):
            spread, known = self._spread(jnp.asarray(vectors, jnp.float64))
            weighted = spread * jnp.asarray(weights)[None, None]
            found = _diagonal(kernel, self._a)
            made = compiled_factors(kernel, self._layouts, self._z, found)
            own = own_slopes(made, spread, weighted, trace * known)
            total = jnp.zeros(len(values))
            slopes = jax.tree.map(jnp.zeros_like, (found, made))
            r = sum(len(one.right) for one in made)
            block = max(1, min(n, _TILE_NUMBERS // ((r + 30) * n)))
            for start in range(0, n, block):
                # Rows beyond the last are the last ones, with vectors of zeros.
                rows = np.arange(start, start + block)
                there = jnp.asarray(rows < n, jnp.float64)
                rows = jnp.asarray(np.where(rows < n, rows, n - 1))
                some = weighted[rows] * there[:, None, None]
                part = tile_slopes(
                    (kernel, self._layouts, self._a), found, made, (some, spread), rows
                )
                total = total + part[0]
                slopes = jax.tree.map(jnp.add, slopes, part[1:])
            slopes = (slopes[0], jax.tree.map(jnp.add, slopes[1], own))
            pulled = pulled_slopes(kernel, self._layouts, (self._a, self._z), slopes)
        return np.asarray(total + pulled)

    def _spread(self, vectors: Float[Array, "v c"]) -> tuple[Array, Array]:
        """On the whole grid, with zeros where nothing is known; and where that is."""
        n, p = len(self.points.x), len(self.points.z)
        index = self.points.index
        if index is None:
            return vectors.reshape(n, p, -1), jnp.ones((n, p))
        where = jnp.asarray(index)
        spread = jnp.zeros((n * p, vectors.shape[1])).at[where].set(vectors)
        known = jnp.zeros(n * p).at[where].set(1.0)
        return spread.reshape(n, p, -1), known.reshape(n, p)

    def _meta_kernels(self, kernel: FreeKernel) -> MetaKernels:
        size = max(1, int(TILE / self._setting.pair_size**0.5))
        tile = functools.partial(_angle_and_tangent, kernel)
        found = tiled(tile, self._a, self._a, size)
        return MetaKernels(*(np.asarray(part) for part in found))

    def _serves(self, std: np.ndarray, angle: np.ndarray) -> bool:
        """Whether the expansion's arguments are still where it was made for."""
        if self._layouts is None:
            return False
        logs = np.log(std)
        for one in self._layouts:
            if one.varying:
                centre, half = float(one.centre), float(one.half)
                if np.abs(logs - centre).max() > half:
                    return False
            if float(angle.max()) > float(one.angle):
                return False
        return True

    def _assembled(
        self, kernel: FreeKernel, found: Diagonal, kernels: MetaKernels
    ) -> KroneckerSum:
        """The sum of products for all points of the grid."""
        assert self._layouts is not None
        dtype = self._setting.dtype
        with jax.enable_x64(True):
            made = compiled_factors(kernel, self._layouts, self._z, found)
        made = jax.tree.map(np.asarray, made)
        std = np.exp(np.asarray(found.log_std))
        diagonal = MetaDiagonal(std, np.asarray(found.tangent))
        sides = Sides(self.points, self.points, True, (diagonal, diagonal))
        polynomials, right = [], []
        spread = Box(0.0, 0.0, 1.0)
        for one, part in zip(self._layouts, made, strict=True):
            single = jax.tree.map(
                lambda leaf: jnp.asarray(leaf, dtype), one.polynomials
            )
            if one.varying:
                centre, half = float(one.centre), float(one.half)
                spread = Box(centre - half, centre + half, float(one.angle))
                single = eqx.tree_at(
                    lambda p: p.coefficients, single, single.coefficients / 2
                )
                polynomials += [single, mirrored(single)]
                right += [part.right, np.swapaxes(part.right, 1, 2)]
            else:
                polynomials.append(single)
                right.append(part.right)
        middle = float(np.exp(np.mean(np.log(std))))
        scales = scales_of(std, spread, middle, dtype)
        terms, _ = left_terms(
            self._setting, sides, tuple(polynomials), kernels, (scales, scales)
        )
        arrays = (
            np.concatenate(right),
            np.concatenate([part.weights for part in made]),
            np.concatenate([part.blocks for part in made]),
        )
        return KroneckerSum(terms, *(jnp.asarray(part, dtype) for part in arrays))

    def _error(
        self,
        kernel: FreeKernel,
        operator: AbstractOperator,
        std: np.ndarray,
        tangent: np.ndarray,
    ) -> float:
        diagonal = MetaDiagonal(std, tangent)
        sides = Sides(self.points, self.points, True, (diagonal, diagonal))

        def exact(a: tuple[Array, Array], b: tuple[Array, Array]) -> Array:
            return _entries(kernel, kernel.prepare(*a), kernel.prepare(*b))

        with jax.enable_x64(True):
            gap = np.asarray(coordinate_state(kernel, self._z).pair.gap)
        return checked_error(exact, operator, sides, gap)


_diagonal = eqx.filter_jit(diagonal)
_angle_and_tangent = eqx.filter_jit(angle_and_tangent)


@eqx.filter_jit
def _entries(kernel: FreeKernel, a: PyTree, b: PyTree) -> Float[Array, "m n"]:
    return kernel.entries(a, b)
