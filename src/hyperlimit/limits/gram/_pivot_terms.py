"""Left factors that are the kernel itself, at a few pairs of coordinates."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import KernelState
from hyperlimit.limits.gram._parts import Part, part_values
from hyperlimit.limits.gram._terms import AbstractFactors, Scales
from hyperlimit.networks import Network


@final
class PivotTerms(AbstractFactors):
    r"""$F^\pm(s, s', \varphi; \zeta_l)$, times $\tau$ for a part that is linear in it.

    Attributes:
        primary, name: which part F is.
        pairs: deviations of z and of z', and their gap, (r, 3).
        middle: the unit of the images' deviations.
        sign: of the second half of $F^\pm$.
        factor: 1, or -1 after an odd number of transposes of an antisymmetric part.
    """

    primary: Network = eqx.field(static=True)
    name: str = eqx.field(static=True)
    pairs: Float[Array, "r 3"]
    middle: Float[Array, ""]
    sign: int = eqx.field(static=True)
    factor: int = eqx.field(static=True, default=1)

    @property
    def count(self) -> int:
        """How many terms."""
        return len(self.pairs)

    @property
    def T(self) -> "PivotTerms":
        """The terms of the transposes, for images that change sides."""
        return PivotTerms(
            self.primary,
            self.name,
            self.pairs,
            self.middle,
            self.sign,
            self.factor * self.sign,
        )

    def __call__(
        self,
        angle: Float[Array, "m n"],
        tangent: Float[Array, "m n"],
        left: Scales,
        right: Scales,
    ) -> Float[Array, "r m n"]:
        """The r terms."""
        part = Part(self.primary, self.name)
        one, two = jnp.broadcast_arrays(left.size[:, None], right.size[None, :])
        # Both orders at once, so that F is compiled once.
        first, second = (self.middle * jnp.stack(v) for v in ((one, two), (two, one)))

        angles = jnp.broadcast_to(angle[None], first.shape)

        def term(pair: Float[Array, " 3"]) -> Float[Array, "m n"]:
            std_x, std_y, gap = (v[None, None, None] for v in pair)
            state = KernelState.of_inputs(GaussianPair(std_x, std_y, gap))
            both = part_values(part, first, second, angles, state)
            return self.factor * (both[0] + self.sign * both[1]) / 2

        terms = jax.lax.map(term, self.pairs)
        return terms * tangent[None] if part.with_tangent else terms
