"""Kernel regression on functions: many images at many coordinates."""

from collections.abc import Sequence
from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.errors import InputError
from hyperlimit.limits import DualLimit
from hyperlimit.limits.gram import Gram, ImageBlocks
from hyperlimit.numerics import clipped
from hyperlimit.regression._grid_dense import SolvedDensely
from hyperlimit.regression._grid_inputs import checked_coordinates, checked_images
from hyperlimit.regression._grid_problem import (
    DENSE_VALUES,
    GridProblem,
    Report,
    Solved,
)
from hyperlimit.regression._leave_one_out import LeaveOneOut, left_out
from hyperlimit.regression._own_values import (
    NewFunctions,
    checked_known,
    checked_values,
    conditioned_variance,
    correction,
)
from hyperlimit.regression._samples import joint_samples


@final
class GridRegression(eqx.Module):
    """Regression of functions z -> y, one for each x, fitted jointly.

    Attributes:
        values: the known values of all functions, (v, k), image by image.
        weights: the dual weights of the known values, (v, k).
        noise: the noise variance in units of the kernel.
        amplitude: the factor of every variance.
        report: how it was solved, and how exactly.
    """

    problem: GridProblem
    values: Float[Array, "v k"]
    weights: Float[Array, "v k"]
    noise: float
    amplitude: float
    solved: Solved
    report: Report = eqx.field(static=True)
    flat: bool = eqx.field(static=True, default=False)

    @property
    def limit(self) -> DualLimit:
        """Whose kernel it is."""
        return self.problem.limit

    @property
    def takes_values(self) -> bool:
        """Whether predictions can be conditioned on values of the new functions."""
        return isinstance(self.solved, SolvedDensely) and self.problem.known is not None

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
            x: new meta-inputs, (m, d), or images.
            z: coordinates, (q, d_z); by default those of the training targets.
            known: which values of the new functions are known, (q,) or (m, q): each
                function is then also conditioned on its own, with the same noise.
                After a dense solve only.
            values: those values, (m, q) or (m, q, k), anything elsewhere.

        Cost O(r m n p + r m p q) for r terms of the kernel's expansion; with known
        values of its own besides, of v training values, O(m v^2) an iteration, some
        six of them, and one O(v^2 q).
        """
        new, where = self._new(x, z)
        cross = self.problem.cross(new, where)
        mean = (cross @ self.weights).reshape(len(new), len(where), -1)
        if (known is None) != (values is None):
            raise InputError("known and values belong together: give both, or neither.")
        if known is not None and values is not None:
            functions = self._new_functions(cross, new, where, known)
            given = checked_values(values, functions.known, mean.shape[2], self.flat)
            residual = jnp.asarray(given, mean.dtype) - mean
            tolerance = 10 * self.problem.tolerance
            mean = mean + correction(functions, residual, tolerance)
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
        one it is the variance given fewer values, a few thousand a new function,
        and so never below the exact one but for rounding: with complete targets those
        of the 3,000 / p combinations of training functions that the preconditioner
        finds best, exact for as few functions; with incomplete ones 5,000 known
        values of the nearest images. How far it is above has no bound. `exact=True`
        solves for every new value.

        Cost of a new function: with complete targets $2 r n^2 l$ flops for l
        combinations, and $(l p)^3 / 3$; with incomplete ones $v^3 / 3$ for
        the 5,000 known values of the nearest functions.
        """
        new, where = self._new(x, z)
        cross = self.problem.cross(new, where)
        if known is not None:
            functions = self._new_functions(cross, new, where, known)
            return self.amplitude * clipped(conditioned_variance(functions), low=0)
        prior = self.problem.blocks(new, where).variance
        explained = self.solved.explained(cross, new, exact)
        return self.amplitude * clipped(prior - explained, low=0)

    def samples(
        self, x: ArrayLike, z: ArrayLike | None = None, *, count: int = 1, seed: int = 0
    ) -> Float[Array, "s m q"] | Float[Array, "s m q k"]:
        r"""Whole functions drawn from the posterior, (count, m, q), by pathwise
        conditioning.

        A draw f of the prior at training and new points together is moved by what the
        data say it lacks: $f_* + K_* (K + \lambda I)^{-1} (y - f - \varepsilon)$. All
        new values of a draw belong together, which `variance` does not say. A
        hundredth of the noise variance is left in them.

        Args:
            x: new meta-inputs, (m, d), or images.
            z: coordinates, (q, d_z); by default those of the training targets.
            count: how many draws.
            seed: of the draws.

        Cost: some 20 products in double precision and one solve for each draw. The
        prior is drawn on the whole grid, all n + m functions at all p + q coordinates
        (p, if they are the same), however few values are known; with coordinates of
        every function's own, at these alone.

        Raises:
            InputError: for a system without noise, or draws that have not converged
                in the steps that `regress_grid`'s memory holds.

        References:
            Wilson, Borovitskiy, Terenin, Mostowsky and Deisenroth, *Efficiently
            Sampling Functions from Gaussian Process Posteriors*, ICML 2020.
        """
        if not self.noise > 0:
            raise InputError(
                "draws of a regression without noise were asked for: fit with a ridge."
            )
        new, where = self._new(x, z)
        outputs = self.weights.shape[1]
        old, fresh = joint_samples(
            self.problem, (new, where), self.noise, count * outputs, seed
        )
        weights = self.solved.weights(jnp.asarray(old, self.weights.dtype))
        cross = self.problem.cross(new, where)
        moved = np.asarray(fresh) - np.asarray(cross @ weights)
        shape = len(new), len(where), count, outputs
        drawn = jnp.asarray(self.amplitude**0.5 * moved.reshape(shape), new.dtype)
        mean = self.mean(x, z).reshape(*shape[:2], 1, outputs)
        found = jnp.moveaxis(mean + drawn, 2, 0)
        return found[..., 0] if self.flat else found

    def leave_one_out(
        self,
        images: ArrayLike | Sequence[int] | None = None,
        *,
        exact: bool = False,
    ) -> LeaveOneOut:
        r"""Each training function as all the others predict it, without refitting.

        $y_i - \mu_{-i} = [((K + \lambda I)^{-1})_{ii}]^{-1} \alpha_i$ for the dual
        weights $\alpha$ and the diagonal block of image i.

        Args:
            images: which functions, (b,); by default all that have a known value.
            exact: solve anew without each function, after an iterative solve. Without
                it the preconditioner stands in for the inverse's diagonal blocks,
                for the price of one product.

        After a dense solve the result is exact, for $2 v^3$ flops and the inverse, a
        second matrix of v x v. Cost with `exact`: some ten products of b k columns.

        Raises:
            InputError: for images that there are not, or that have no known value.
        """
        count = len(self.problem.x)
        which = np.unique(self.problem.image) if images is None else np.asarray(images)
        if which.ndim != 1 or not np.issubdtype(which.dtype, np.integer):
            raise InputError(
                f"images has shape {which.shape} and type {which.dtype}: give indices "
                "of training functions, (b,)."
            )
        if ((which < 0) | (which >= count)).any():
            raise InputError(
                f"images reaches from {which.min()} to {which.max()}, and there are "
                f"{count} training functions: give indices below {count}."
            )
        return left_out(
            self.solved, self.problem, self.values, self.weights, which, exact
        )

    def _new(
        self, x: ArrayLike, z: ArrayLike | None
    ) -> tuple[Float[Array, "m ..."], Float[Array, "q dz"]]:
        old = self.problem.x
        rank = self.problem.limit.spec.meta.inputs.rank
        new = checked_images("x", x, old.dtype, rank)
        if new.shape[1:] != old.shape[1:]:
            raise InputError(
                f"x has shape {new.shape} and the model was fitted on {old.shape}: "
                "give inputs of the same size."
            )
        if z is None and self.problem.known is None:
            raise InputError(
                "every training function has coordinates of its own: give z, (q, d), "
                "the coordinates to predict at."
            )
        return new, checked_coordinates(self.problem.z if z is None else z, old.dtype)

    def _new_functions(
        self,
        cross: Gram,
        x: Float[Array, "m ..."],
        z: Float[Array, "q dz"],
        known: ArrayLike,
    ) -> NewFunctions:
        if not self.takes_values or not isinstance(self.solved, SolvedDensely):
            raise InputError(
                "the values of new functions were given to a regression that was "
                f"solved by iteration: fit at most {DENSE_VALUES:,} values, not all "
                "of them known, or leave known and values out."
            )
        mask = checked_known(known, len(x), len(z))
        prior: ImageBlocks = self.problem.blocks(x, z)
        assert self.problem.known is not None
        places = np.nonzero(self.problem.known)
        return NewFunctions(
            self.solved.factor,
            (places[0], places[1]),
            cross.factors,
            prior,
            jnp.asarray(self.noise, x.dtype),
            mask,
        )
