"""The rows that stand for an infinitely wide weight matrix."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


@final
class Rows(eqx.Module):
    r"""$W = \frac1n \Omega' A^T \phi(\Omega B^T)^T$ as $n \to \infty$, by A and B.

    Attributes:
        a: A (m, r'), zero where there is only room.
        units: B (m, r), of unit length, or zero where there is only room.
        born: how many rows there were at birth; then come those of examples.
    """

    a: Float[Array, "m out"]
    units: Float[Array, "m r"]
    born: int = eqx.field(static=True)

    def appended(
        self,
        seen: Int[Array, ""],
        a: Float[Array, "b out"],
        units: Float[Array, "b r"],
    ) -> "Rows":
        """With the rows of a batch behind those of the examples seen so far."""
        place = (seen + self.born, jnp.zeros_like(seen))
        put = jax.lax.dynamic_update_slice
        return Rows(put(self.a, a, place), put(self.units, units, place), self.born)

    def with_room(self, seen: int, examples: int, least: int) -> "Rows":
        """The same, with space for so many more; the space doubles when it ends."""
        missing = self.born + seen + examples - len(self.a)
        if missing <= 0:
            return self
        more = max(missing, len(self.a), least)
        pad = ((0, more), (0, 0))
        return Rows(jnp.pad(self.a, pad), jnp.pad(self.units, pad), self.born)

    def used(self, seen: int) -> "Rows":
        """Without empty space."""
        count = self.born + seen
        return Rows(self.a[:count], self.units[:count], self.born)
