"""Random Fourier features of the coordinates, explicit or in their limit."""

from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hyperlimit.activations import GaussianPair, diagonal_pair
from hyperlimit.errors import InputError
from hyperlimit.layers._base import Size
from hyperlimit.layers._inputs import (
    AbstractInputs,
    LinearRows,
    linear_diagonal_state,
    linear_gram_state,
    linear_rows,
)
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.linalg import squared_distances


@final
@dataclass(frozen=True)
class FourierFeatures(AbstractInputs):
    r"""$\sqrt2\,[\cos(\omega_k \cdot z), \sin(\omega_k \cdot z)]_{k \le F}$.

    The frequencies are $\omega_k \sim N(0, I / b^2)$ for a bandwidth $b$, in the
    units of $z$. As $F$ grows, their kernel tends to

    $$K(z, z') = \exp\left(-\frac{|z - z'|^2}{2 b^2}\right).$$

    With `seed=None` the kernel readings use that limit, and finite networks draw
    `count` frequencies with their other parameters. With a seed, both use the same
    `count` frequencies, drawn from it.

    Raises:
        InputError: for a bandwidth that is not positive, or a count below one.

    References:
        Rahimi and Recht, *Random Features for Large-Scale Kernel Machines*, NIPS 20,
        2007.

    Examples:
        >>> z = jnp.array([[0.0, 0.0], [1.0, 1.0]])
        >>> features = FourierFeatures(bandwidth=1.0)
        >>> rows = features.prepare(z)
        >>> print(features.gram_state(rows, rows).nngp)
        [[1.         0.36787945]
         [0.36787945 1.        ]]
    """

    bandwidth: float
    count: int = 256
    seed: int | None = None

    def __post_init__(self):
        if not 0 < self.bandwidth < float("inf"):
            raise InputError(
                f"bandwidth={self.bandwidth} must be positive and finite, in the units "
                "of the coordinates: try a few pixels."
            )
        if self.count < 1:
            raise InputError(f"count={self.count} must be at least 1.")

    @property
    def rank(self) -> int:
        """The number of axes of one input."""
        return 1

    def out_size(self, in_size: Size) -> Size:
        """The number of features for a number of coordinates."""
        del in_size
        return 2 * self.count

    def draw(self, in_size: Size, key: Array) -> Array | None:
        """The frequencies, (count, in_size)."""
        if not isinstance(in_size, int):
            raise InputError(
                f"Fourier features read coordinates and were given images of {in_size}:"
                " use inputs=Images()."
            )
        if self.seed is not None:
            key = jax.random.key(self.seed)
        return jax.random.normal(key, (self.count, in_size)) / self.bandwidth

    def apply(
        self, fixed: Array | None, inputs: Float[Array, " d"]
    ) -> Float[Array, " k"]:
        """The finite feature map on one input."""
        if fixed is None:
            raise InputError("Fourier features need frequencies: see draw.")
        frequencies = jax.lax.stop_gradient(fixed)
        phases = frequencies.astype(inputs.dtype) @ inputs
        return 2**0.5 * jnp.concatenate([jnp.cos(phases), jnp.sin(phases)])

    def prepare(self, a: Float[Array, "n d"]) -> LinearRows | Float[Array, "n d"]:
        """The explicit features as rows, or in the limit the coordinates."""
        if self.seed is None:
            return a
        fixed = self.draw(a.shape[1], jax.random.key(self.seed))
        return linear_rows(jax.vmap(lambda row: self.apply(fixed, row))(a))

    def gram_state(self, a: PyTree, b: PyTree) -> KernelState:
        """The kernels of the features for all pairs of prepared rows."""
        if isinstance(a, LinearRows):
            return linear_gram_state(a, b)
        # exp(-x) - 1 by expm1: near coordinates keep the digits of their distance.
        gap = -jnp.expm1(-squared_distances(a, b) / (2 * self.bandwidth**2))
        one = jnp.ones_like(gap[:, :1]), jnp.ones_like(gap[:1, :])
        return KernelState.of_inputs(GaussianPair(*one, gap))

    def diagonal_state(self, a: PyTree) -> KernelState:
        """The kernels of the features for each prepared row with itself."""
        if isinstance(a, LinearRows):
            return linear_diagonal_state(a)
        return KernelState.of_inputs(diagonal_pair(jnp.ones_like(a[:, 0])))
