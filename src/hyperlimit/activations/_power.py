"""Functions that scale as a power of their argument."""

import math
from abc import abstractmethod

import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.errors import InputError
from hyperlimit.numerics import clipped, saturation

# Up to here the second moment of the power fits a float32.
_HIGHEST = 24


def odd_factorial(degree: int) -> int:
    """(2p - 1)!! = E g^(2p) for a standard normal g."""
    return math.prod(range(1, 2 * degree, 2))


class AbstractPower(AbstractActivation):
    r"""$\phi(c z) = c^p \phi(z)$ for positive $c$: scale and angle separate.

    $$E[\phi(u)\phi(v)] = E\phi(g)^2 \, (s_x s_y)^p \, k_p(\rho),\qquad
      E[\phi'(u)\phi'(v)] = p^2 \text{ times the same at } p - 1,$$

    with $k_p(1) = 1$. Deviations whose power cannot be represented saturate.
    """

    @property
    @abstractmethod
    def degree(self) -> int:
        """The power p."""

    @abstractmethod
    def angular(
        self, gap: Float[Array, "..."], degree: int
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """1 - k and k of a degree."""

    @abstractmethod
    def moment(self, degree: int) -> float:
        """The expectation of phi(u)^2 for a standard normal u, of a degree."""

    @property
    def homogeneous(self) -> bool:
        """Whether phi(c z) = c phi(z) for every positive c: at degree one."""
        return self.degree == 1

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        return self.moment(self.degree)

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        factor = math.sqrt(self.second_moment())
        scale = self._deviation(pair.std_x, factor) * self._deviation(
            pair.std_y, factor
        )
        return scale * self.angular(pair.gap, self.degree)[1]

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        below = self.degree - 1
        if below < 0:
            return jnp.zeros_like(pair.scale * pair.gap)
        factor = self.degree * math.sqrt(self.moment(below))
        scale = _raised(pair.std_x, below, factor) * _raised(pair.std_y, below, factor)
        return scale * self.angular(pair.gap, below)[1]

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        # One Python number, 1 for the usual gain: no rounding, however deep.
        factor = gain * math.sqrt(self.second_moment())
        if abs(factor - 1) < 1e-15:
            factor = 1.0
        gap, _ = self.angular(pair.gap, self.degree)
        after = GaussianPair(
            self._deviation(pair.std_x, factor),
            self._deviation(pair.std_y, factor),
            gap,
        )
        below = self.degree - 1
        if below < 0:
            return after, jnp.zeros_like(gap)
        ratio = self.degree**2 * self.moment(below) / self.second_moment()
        return after, ratio * self.angular(pair.gap, below)[1]

    def _deviation(self, std: Array, factor: float) -> Array:
        # A number that is always zero has no sign: a step leaves it at zero.
        raised = _raised(std, self.degree, factor)
        return raised if self.degree else jnp.where(std > 0, raised, 0)


def _raised(std: Array, power: int, factor: float) -> Array:
    """`factor * std^power`, saturating where it would overflow."""
    if power == 0:
        return jnp.full_like(std, factor)
    top = (saturation(std.dtype) / max(factor, 1.0)) ** (1 / power)
    return factor * clipped(std, high=top) ** power


def checked_degree(degree: int, least: int) -> None:
    """Raises an InputError unless the degree is whole and in range."""
    whole = isinstance(degree, int) and not isinstance(degree, bool)
    if not whole or not least <= degree <= _HIGHEST:
        raise InputError(
            f"degree={degree!r} is not a power that is offered: give a whole number "
            f"from {least} to {_HIGHEST}."
        )
