"""Kernel regression on functions: many images at many coordinates."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.errors import InputError
from hyperlimit.limits import DualLimit
from hyperlimit.numerics import clipped
from hyperlimit.regression._grid_dense import (
    SolvedDensely,
)
from hyperlimit.regression._grid_factors import (
    Cross,
    Metas,
    cross_factors,
    prior_covariance,
    prior_variance,
)
from hyperlimit.regression._grid_problem import Report, Solved
from hyperlimit.regression._meta_kernels import MetaScale, meta_scale
from hyperlimit.regression._own_values import (
    NewFunctions,
    checked_known,
    checked_values,
    conditioned_variance,
    correction,
)
from hyperlimit.regression._unit_rows import checked_inputs


@final
class GridRegression(eqx.Module):
    """Regression of functions z -> y, one for each x, fitted jointly.

    Attributes:
        scale: the kernels of the meta-network for every x with itself.
        x: the training meta-inputs, (n, d) with |x|^2 = d, or images (n, h, w, c).
        z: the training coordinates, (p, d_z).
        weights: the dual weights, (n, p, k), zero where no value was known.
        noise: the noise variance in units of the kernel.
        amplitude: the factor of every variance.
    """

    limit: DualLimit = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    scale: MetaScale
    x: Float[Array, "n ..."]
    z: Float[Array, "p dz"]
    weights: Float[Array, "n p k"]
    noise: float
    amplitude: float
    solved: Solved
    tolerance: float = eqx.field(static=True)
    report: Report = eqx.field(static=True)
    flat: bool = eqx.field(static=True, default=False)

    @property
    def takes_values(self) -> bool:
        """Whether predictions can be conditioned on values of the new functions."""
        return isinstance(self.solved, SolvedDensely)

    def mean(
        self,
        x: ArrayLike,
        z: ArrayLike | None = None,
        *,
        known: ArrayLike | None = None,
        values: ArrayLike | None = None,
    ) -> Float[Array, "m q"] | Float[Array, "m q k"]:
        """The predicted functions of new x at the training or other coordinates.

        (m, q), or (m, q, k) if the targets were (n, p, k).

        Args:
            x: new meta-inputs, (m, d).
            z: coordinates, (q, d_z); by default those of the training targets.
            known: which values of the new functions are known, (q,) or (m, q): each
                function is then also conditioned on its own, with the same noise.
                After a dense solve only.
            values: those values, (m, q) or (m, q, k), anything elsewhere.

        Cost O(r m n p + r m p q) for r terms of the kernel's expansion; with known
        values of its own besides, of v training values, O(m v^2) an iteration, some
        six of them, and one O(v^2 q).
        """
        cross = self._cross(x, z)
        mean = _mean(cross.left, cross.right, self.weights)
        if (known is None) != (values is None):
            raise InputError("known and values belong together: give both, or neither.")
        if known is not None and values is not None:
            new = self._new_functions(cross, z, known)
            given = checked_values(values, new.known, mean.shape[2], self.flat)
            residual = jnp.asarray(given, mean.dtype) - mean
            mean = mean + correction(new, residual, 100 * self.tolerance)
        return mean[..., 0] if self.flat else mean

    def variance(
        self,
        x: ArrayLike,
        z: ArrayLike | None = None,
        *,
        known: ArrayLike | None = None,
        exact: bool = False,
    ) -> Float[Array, "m q"]:
        """The predictive variance of the functions, without noise: (m, q).

        Equal for every one of k outputs. `known` as for the mean.

        After a dense solve this is the exact posterior variance. After an iterative
        one with complete targets, the preconditioner stands in for the Gram matrix:
        O(m) matrix products instead of m q solves, within some five per cent of the
        exact value. With incomplete targets, the variance given the 5,000 known
        values of the nearest images, which is never below the exact one. `exact=True`
        solves for every new value.
        """
        cross = self._cross(x, z)
        if known is not None:
            new = self._new_functions(cross, z, known)
            return self.amplitude * clipped(conditioned_variance(new), low=0)
        where = self.z if z is None else jnp.asarray(z, self.x.dtype)
        prior = prior_variance(self._metas, where)
        explained = self.solved.explained(cross, exact)
        return self.amplitude * clipped(prior[None, :] - explained, low=0)

    def _new_functions(
        self, cross: Cross, z: ArrayLike | None, known: ArrayLike
    ) -> NewFunctions:
        if not isinstance(self.solved, SolvedDensely):
            raise InputError(
                "the values of new functions were given to a regression that was "
                "solved by iteration: fit at most 12,000 values, not all of them "
                "known, or leave known and values out."
            )
        where = self.z if z is None else jnp.asarray(z, self.x.dtype)
        mask = checked_known(known, cross.left.shape[1], len(where))
        prior = prior_covariance(self._metas, where)
        return NewFunctions(
            self.solved, cross, prior, jnp.asarray(self.noise, prior.dtype), mask
        )

    def _cross(self, x: ArrayLike, z: ArrayLike | None) -> Cross:
        new = checked_inputs("x", x, self.x.dtype, self.limit.spec.meta.inputs.rank)
        if new.shape[1:] != self.x.shape[1:]:
            raise InputError(
                f"x has shape {new.shape} and the model was fitted on {self.x.shape}: "
                "give inputs of the same size."
            )
        meta_scale(self.limit, new)
        where = self.z if z is None else jnp.asarray(z, self.x.dtype)
        return cross_factors(
            self._metas, (new, where), (self.x, self.z), self.tolerance
        )

    @property
    def _metas(self) -> Metas:
        return Metas(self.limit, self.kind, self.scale)


@jax.jit
def _mean(
    left: Float[Array, "r m n"], right: Float[Array, "r q p"], weights: Array
) -> Float[Array, "m q k"]:
    total = jnp.zeros((left.shape[1], right.shape[1], weights.shape[2]), weights.dtype)
    for a, b in zip(left, right, strict=True):
        total = total + jnp.einsum("mn,npk,qp->mqk", a, weights, b)
    return total
