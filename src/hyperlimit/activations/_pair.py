"""Two jointly Gaussian numbers, in coordinates that do not cancel."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.numerics import Positive, clipped, saturation


class GaussianPair(eqx.Module):
    r"""Centred Gaussians $(u, v)$: two standard deviations and a correlation gap.

    $$E[u^2] = s_x^2,\quad E[v^2] = s_y^2,\quad E[uv] = s_x s_y (1 - \delta).$$

    The gap $\delta = 1 - \rho \in [0, 2]$ is carried instead of the correlation:
    every kernel of a kinked activation is a function of $\sqrt\delta$ near
    $\delta = 0$, which $1 - \rho$ computed from a stored $\rho$ would lose.

    The three arrays broadcast against one another and have one rank: `(n, 1)`,
    `(1, m)` and `(n, m)` for a Gram matrix, `(n,)` three times for its diagonal.

    Examples:
        >>> one = jnp.ones(())
        >>> pair = GaussianPair(2 * one, one, 0.25 * one)
        >>> print(pair.covariance)
        1.5
    """

    std_x: Float[Array, "..."]
    std_y: Float[Array, "..."]
    gap: Float[Array, "..."]

    @classmethod
    def from_covariance(
        cls,
        var_x: Float[Array, "..."],
        covariance: Float[Array, "..."],
        var_y: Float[Array, "..."],
    ) -> "GaussianPair":
        """Reads a 2 x 2 covariance; exact only where 1 - correlation is."""
        std_x, std_y = jnp.sqrt(var_x), jnp.sqrt(var_y)
        scale = jnp.where(std_x * std_y > 0, std_x * std_y, 1.0)
        return cls(std_x, std_y, clipped(1 - covariance / scale, 0.0, 2.0))

    @property
    def correlation(self) -> Float[Array, "..."]:
        """The correlation of u and v."""
        return 1 - self.gap

    @property
    def scale(self) -> Float[Array, "..."]:
        """The product of the standard deviations."""
        return self.std_x * self.std_y

    @property
    def covariance(self) -> Float[Array, "..."]:
        """The covariance of u and v."""
        return self.scale * (1 - self.gap)

    @property
    def sine_squared(self) -> Float[Array, "..."]:
        """One minus the squared correlation, without cancellation at gap 0."""
        return self.gap * (2 - self.gap)

    def rescaled(self, factor: float | Positive) -> "GaussianPair":
        """The pair of `factor * u` and `factor * v`."""
        return GaussianPair(self.std_x * factor, self.std_y * factor, self.gap)

    def held(self, top: float | None = None) -> "GaussianPair":
        """The pair with deviations cut off, by default at `saturation`."""
        top = saturation(self.gap.dtype) if top is None else top
        return GaussianPair(
            clipped(self.std_x, high=top), clipped(self.std_y, high=top), self.gap
        )


def diagonal_pair(std: Float[Array, "..."]) -> GaussianPair:
    """The pair (u, u): equal deviations and no gap."""
    return GaussianPair(std, std, jnp.zeros_like(std))
