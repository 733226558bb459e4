"""A linear network that was trained on a few inputs."""

from typing import final

import equinox as eqx
from jaxtyping import Array, Float

from hyperlimit.feature_learning._linear_network import LinearNetwork


@final
class AdaptedLinearNetwork(eqx.Module):
    r"""$f(\xi) = W_2 (W_1 + P Q^T) \xi$, without the sum.

    Descent on k inputs, of which Q is a basis, adds $P Q^T$ to the first matrix.

    Attributes:
        first: $W_1$ as before, (n, d).
        second: $W_2$ as after, (o, n).
        moved: P, (n, r), r the smaller of d and k.
        basis: Q, (d, r), orthonormal.
    """

    first: Float[Array, "n d"]
    second: Float[Array, "o n"]
    moved: Float[Array, "n r"]
    basis: Float[Array, "d r"]

    def __call__(self, inputs: Float[Array, " d"]) -> Float[Array, " o"]:
        """The outputs for one input, in O(n (d + r + o) + d r)."""
        hidden = self.first @ inputs + self.moved @ (inputs @ self.basis)
        return self.second @ hidden

    def dense(self) -> LinearNetwork:
        """The same with the sum, which may be trained on."""
        return LinearNetwork(self.first + self.moved @ self.basis.T, self.second)
