"""Duals of any function, by quadrature and Hermite expansion."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.activations._base import AbstractActivation
from hyperlimit.activations._gaussian_rule import gaussian_rule
from hyperlimit.activations._pair import GaussianPair, safe_ratio, safe_sqrt
from hyperlimit.errors import InputError


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


def checked_terms(degree: int) -> None:
    """Raises an InputError unless there is a term."""
    if degree < 1:
        raise InputError(f"degree={degree} counts Hermite terms: give at least 1.")


class AbstractHermite(AbstractActivation):
    r"""An activation with duals by quadrature and Hermite expansion.

    With the normalised Hermite coefficients $a_n(s) = E[\phi(s g) h_n(g)]$ of each
    input, integrated by composite Gauss-Legendre quadrature,

    $$E[\phi(u)\phi(v)] = \sum_n a_n(s_x) a_n(s_y) \rho^n,\qquad
      s_x s_y E[\phi'(u)\phi'(v)] = \sum_n n\, a_n(s_x) a_n(s_y) \rho^{n-1}.$$

    What the first `degree` terms leave of $E\phi^2$ and of $s^2 E\phi'^2$ is put
    into one more term each, so that the diagonal is exact to the quadrature and both
    kernels stay positive semidefinite. Off the diagonal the error is at most
    $2 |\rho|^{degree - 1}$ times what was left. For a function whose nearest
    singularity is at a distance $r$ from the real line, what is left falls as
    $e^{-2 r \sqrt{degree} / s}$.

    That is why there is no choice of a quadrature over the plane for each pair: for
    1e-12 it takes some $(75 s / r)^2$ evaluations of the function where the expansion
    takes $(14 s / r)^2$ products, and it is no better at large deviations.
    """

    degree: int

    def second_moment(self) -> float:
        """The expectation of phi(u)^2 for a standard normal u, as a Python float."""
        nodes, weights = gaussian_rule()
        with jax.ensure_compile_time_eval():
            values = np.asarray(self(jnp.asarray(nodes)), np.float64)
        return float(weights @ values**2)

    def _expansion(self, std: Array) -> tuple[Array, Array, Array]:
        """Coefficients (degree + 1, ...), the root moment, and the slope's rest."""
        nodes, weights, table = (
            jnp.asarray(part, std.dtype) for part in _hermite_table(self.degree)
        )
        nodes, weights = (
            part.reshape(*(1,) * std.ndim, -1) for part in (nodes, weights)
        )
        arguments = std[..., None] * nodes
        values, slopes = jax.jvp(self, (arguments,), (jnp.ones_like(arguments),))
        exact = jax.lax.Precision.HIGHEST
        kept = jnp.moveaxis(jnp.matmul(values, table.T, precision=exact), -1, 0)
        moment = jnp.sum(weights * values**2, axis=-1)
        rest = safe_sqrt(moment - jnp.sum(kept**2, axis=0))
        order = jnp.arange(self.degree, dtype=std.dtype)
        order = order.reshape(-1, *(1,) * std.ndim)
        slope_moment = std**2 * jnp.sum(weights * slopes**2, axis=-1)
        slope_rest = safe_sqrt(slope_moment - jnp.sum(order * kept**2, axis=0))
        return jnp.concatenate([kept, rest[None]]), safe_sqrt(moment), slope_rest

    def propagate(
        self, pair: GaussianPair, gain: float = 1.0
    ) -> tuple[GaussianPair, Float[Array, "..."]]:
        """The pair after `gain * phi`, and the transfer of the NTK."""
        (std_x, std_y), gap, slope = self._sums(pair)
        return GaussianPair(std_x * gain, std_y * gain, gap), slope

    def dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi(u) phi(v)."""
        (std_x, std_y), gap, _ = self._sums(pair)
        return std_x * std_y * (1 - gap)

    def derivative_dual(self, pair: GaussianPair) -> Float[Array, "..."]:
        """The expectation of phi'(u) phi'(v)."""
        (std_x, std_y), _, slope = self._sums(pair)
        return slope * safe_ratio(std_x, pair.std_x) * safe_ratio(std_y, pair.std_y)

    def _sums(self, pair: GaussianPair) -> tuple[tuple[Array, Array], Array, Array]:
        kept_x, std_x, slope_x = self._expansion(pair.std_x)
        kept_y, std_y, slope_y = self._expansion(pair.std_y)
        unit_x = safe_ratio(kept_x, std_x[None])
        unit_y = safe_ratio(kept_y, std_y[None])
        rho, zero = pair.correlation, jnp.zeros_like(pair.gap)

        def add(carry: tuple, term: tuple) -> tuple:
            # `missing` is 1 - rho^n by its own recursion: no cancellation.
            power, previous, missing, gap, slope = carry
            n, a, b = term
            product = a * b
            gap = gap + (a - b) ** 2 / 2 + product * missing
            slope = slope + n * product * previous
            return (
                power * rho,
                power,
                pair.gap + rho * missing,
                gap,
                slope,
            ), None

        order = jnp.arange(self.degree + 1, dtype=pair.gap.dtype)
        order = order.at[-1].set(0)
        start = (jnp.ones_like(pair.gap), zero, zero, zero, zero)
        (_, last, _, gap, slope), _ = jax.lax.scan(add, start, (order, unit_x, unit_y))
        slope = slope + safe_ratio(slope_x, std_x) * safe_ratio(slope_y, std_y) * last
        return (std_x, std_y), jnp.clip(gap, 0.0, 2.0), slope
