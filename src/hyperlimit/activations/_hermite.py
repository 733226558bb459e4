"""Duals of any function, by quadrature and Hermite expansion."""

import functools
import math
from abc import abstractmethod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._gaussian_rule import gaussian_rule
from hyperlimit.activations._pair import GaussianPair
from hyperlimit.errors import InputError
from hyperlimit.numerics import clipped, safe_ratio, safe_sqrt


@functools.cache
def _hermite_table(degree: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, weights, and weighted normalised Hermite polynomials at the nodes."""
    nodes, weights = gaussian_rule()
    table = np.empty((degree, nodes.size))
    table[0] = 1
    if degree > 1:
        table[1] = nodes
    for n in range(2, degree):
        table[n] = nodes * table[n - 1] - math.sqrt(n - 1) * table[n - 2]
        table[n] /= math.sqrt(n)
    return nodes, weights, table * weights


class AbstractHermite(AbstractActivation):
    r"""An activation with duals by quadrature and Hermite expansion.

    With the normalised Hermite coefficients $a_n(s) = E[\phi(s g) h_n(g)]$ and
    $b_n(s) = E[\phi'(s g) h_n(g)]$ of each input, integrated by composite
    Gauss-Legendre quadrature,

    $$E[\phi(u)\phi(v)] = \sum_n a_n(s_x) a_n(s_y) \rho^n,\qquad
      E[\phi'(u)\phi'(v)] = \sum_n b_n(s_x) b_n(s_y) \rho^n.$$

    What the first `degree` terms leave of $E\phi^2$ and of $E\phi'^2$ is put into one
    more term each, so that the diagonal is exact to the quadrature and both kernels
    stay positive semidefinite. Off the diagonal the error is at most
    $2 |\rho|^{degree}$ times what was left. For a function whose nearest singularity
    is at a distance $r$ from the real line, what is left falls as
    $e^{-2 r \sqrt{degree} / s}$.

    That is why there is no choice of a quadrature over the plane for each pair: for
    1e-12 it takes some $(75 s / r)^2$ evaluations of the function where the expansion
    takes $(14 s / r)^2$ products, and it is no better at large deviations.
    """

    @property
    @abstractmethod
    def degree(self) -> int:
        """How many Hermite terms."""

    def __post_init__(self):
        if self.degree < 1:
            raise InputError(
                f"degree={self.degree} counts Hermite terms: give at least 1."
            )

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        nodes, weights = gaussian_rule()
        with jax.ensure_compile_time_eval():
            values = np.asarray(self(jnp.asarray(nodes)), np.float64)
        return float(weights @ values**2)

    def _expansion(self, std: Array) -> tuple[Array, Array, Array]:
        """Coefficients (degree + 1, ...) of phi, its root moment, and those of phi'."""
        nodes, weights, table = (
            jnp.asarray(part, std.dtype) for part in _hermite_table(self.degree)
        )
        nodes, weights = (
            part.reshape(*(1,) * std.ndim, -1) for part in (nodes, weights)
        )
        arguments = std[..., None] * nodes
        values, slopes = jax.jvp(self, (arguments,), (jnp.ones_like(arguments),))

        def completed(values: Array) -> tuple[Array, Array]:
            exact = jax.lax.Precision.HIGHEST
            kept = jnp.moveaxis(jnp.matmul(values, table.T, precision=exact), -1, 0)
            moment = jnp.sum(weights * values**2, axis=-1)
            rest = safe_sqrt(moment - jnp.sum(kept**2, axis=0))
            return jnp.concatenate([kept, rest[None]]), safe_sqrt(moment)

        return *completed(values), completed(slopes)[0]

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        after, slope = self._sums(pair)
        transfer = (
            slope
            * safe_ratio(pair.std_x, after.std_x)
            * safe_ratio(pair.std_y, after.std_y)
        )
        return after.rescaled(gain), transfer

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        return self._sums(pair)[0].covariance

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        return self._sums(pair)[1]

    def _sums(self, pair: GaussianPair) -> tuple[GaussianPair, Array]:
        """The pair after phi, and the derivative dual."""
        kept_x, std_x, slopes_x = self._expansion(pair.std_x)
        kept_y, std_y, slopes_y = self._expansion(pair.std_y)
        unit_x = safe_ratio(kept_x, std_x[None])
        unit_y = safe_ratio(kept_y, std_y[None])
        rho, zero = pair.correlation, jnp.zeros_like(pair.gap)

        def add(carry: tuple, term: tuple) -> tuple:
            # `missing` is 1 - rho^n by its own recursion: no cancellation.
            power, missing, gap, slope = carry
            a, b, slope_a, slope_b = term
            gap = gap + (a - b) ** 2 / 2 + a * b * missing
            slope = slope + slope_a * slope_b * power
            return (power * rho, pair.gap + rho * missing, gap, slope), None

        start = (jnp.ones_like(pair.gap), zero, zero, zero)
        terms = (unit_x, unit_y, slopes_x, slopes_y)
        (_, _, gap, slope), _ = jax.lax.scan(add, start, terms)
        return GaussianPair(std_x, std_y, clipped(gap, 0.0, 2.0)), slope
