"""The softened rectifier."""

from dataclasses import dataclass
from typing import final

import jax
from jaxtyping import Array, Float

from hyperlimit.activations._hermite import AbstractHermite, checked_terms


@final
@dataclass(frozen=True)
class Softplus(AbstractHermite):
    r"""$\phi(z) = \log(1 + e^z)$, with duals by Hermite expansion.

    BODY

    Args:
        degree: how many Hermite terms, at least one. Cost is proportional to it for
            every pair.

    Raises:
        InputError: for a degree below one.

    References:
        The Hermite expansion as in Daniely, Frostig and Singer, NIPS 2016.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import GaussianPair, Softplus
        >>> one = jnp.ones(())
        >>> print(f"{Softplus().dual(GaussianPair(one, one, 0.5 * one)):.4f}")
        0.0000
    """

    degree: int = 128

    def __post_init__(self):
        checked_terms(self.degree)

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return jax.nn.softplus(z)
