"""What gradient descent moves in the meta-wide limit."""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float, PyTree

from hyperlimit.finite import Values


class Trainable(NamedTuple):
    r"""The coefficients that stand for the meta-network, and the primary's own values.

    Attributes:
        coefficients: $A$ of $w - w_0 = J^T A$, (n, P).
        own: the primary network's own parameters, layer by layer.
    """

    coefficients: Float[Array, "n P"]
    own: Values

    def moved_by(self, updates: PyTree) -> "Trainable":
        """The same after an optimiser's updates, which have the same structure."""
        return jax.tree.map(lambda value, update: value + update, self, updates)
