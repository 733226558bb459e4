"""The exact log likelihood of up to some thousand values, and its slopes."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float, PyTree

from hyperlimit.errors import InputError
from hyperlimit.likelihood._evaluation import AbstractObjective, Evaluation
from hyperlimit.likelihood._log_marginal_likelihood import from_parts
from hyperlimit.likelihood._log_numbers import LogNumbers
from hyperlimit.limits.gram import FreeKernel, Points

# Entries that are made and differentiated at a time.
_ENTRIES = 2**19


@final
class DenseObjective(AbstractObjective):
    r"""By a Cholesky factor in double precision.

    With $\alpha = C^{-1} y$ and $W = \frac12 (\alpha \alpha^T / s - k C^{-1})$, the
    slope in a number is $\operatorname{tr} W\,dC$: the kernel is made and
    differentiated in blocks of rows, and its derivatives are never there as matrices.

    Cost: $\frac43 v^3$ flops, and the kernel of all pairs of values a few times.
    """

    def __init__(
        self, numbers: LogNumbers, points: Points, targets: Float[np.ndarray, "v k"]
    ):
        self.numbers, self.targets = numbers, targets
        index = np.arange(len(points))
        with jax.enable_x64(True):
            self._points = numbers.kernel.prepare(
                *(jnp.asarray(part, jnp.float64) for part in points.some(index))
            )

    def __call__(self, theta: Float[np.ndarray, " t"]) -> Evaluation:
        """The value and its slopes."""
        values, ridge = self.numbers.at(theta)
        kernel = self.numbers.kernel.at(values)
        count, outputs = self.targets.shape
        gram = np.concatenate(
            [np.asarray(_rows(kernel, self._points, rows)) for rows in self._blocks()]
        )[:count]
        noise = ridge * float(np.trace(gram)) / count
        gram[np.diag_indices(count)] += noise
        try:
            factor = scipy.linalg.cholesky(gram, lower=True, overwrite_a=True)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise InputError(
                f"the Gram matrix of {count} values is not positive definite at the "
                f"ridge {ridge:.1e}: start from a larger one."
            ) from error
        inverse = scipy.linalg.cho_solve((factor, True), np.eye(count))
        solution = inverse @ self.targets
        quadratic = float(np.sum(solution * self.targets))
        volume = 2 * float(np.sum(np.log(np.diag(factor))))
        value, scale = from_parts(quadratic, volume, self.targets.shape, "ml")
        weights = (solution @ solution.T / scale - outputs * inverse) / 2
        trace = float(np.trace(weights))
        # The noise moves with the mean of the diagonal.
        weights[np.diag_indices(count)] += ridge * trace / count
        slopes = self._slopes(kernel, weights)
        return Evaluation(
            value, 0.0, self.numbers.slopes(values, slopes, noise * trace), scale
        )

    def _slopes(
        self, kernel: FreeKernel, weights: Float[np.ndarray, "v v"]
    ) -> Float[np.ndarray, " q"]:
        total = np.zeros(len(kernel.values))
        if not len(total):
            return total
        count = len(weights)
        for rows in self._blocks():
            # Beyond the last row it is repeated, with weights of zero.
            some = weights[np.where(rows < count, rows, 0)] * (rows < count)[:, None]
            with jax.enable_x64(True):
                where, some = jnp.asarray(rows), jnp.asarray(some)
                found = _block_slopes(kernel, self._points, where, some)
            total += np.asarray(found)
        return total

    def _blocks(self) -> list[np.ndarray]:
        count = len(self.targets)
        size = max(1, min(count, _ENTRIES // count))
        return [np.arange(i, i + size) for i in range(0, count, size)]


def _rows(kernel: FreeKernel, points: PyTree, rows: np.ndarray) -> Array:
    with jax.enable_x64(True):
        return _compiled_rows(kernel, points, jnp.asarray(rows))


@eqx.filter_jit
def _compiled_rows(
    kernel: FreeKernel, points: PyTree, rows: Array
) -> Float[Array, "b v"]:
    return kernel.entries(_some(points, rows), points)


@eqx.filter_jit
def _block_slopes(
    kernel: FreeKernel, points: PyTree, rows: Array, weights: Float[Array, "b v"]
) -> Float[Array, " q"]:
    def value(values: Array) -> Array:
        made = kernel.at(values).entries(_some(points, rows), points)
        return jnp.sum(weights * made)

    # Forwards: as fast for a few numbers, and compiled in half the time.
    return jax.jacfwd(value)(jnp.asarray(kernel.values))


def _some(points: PyTree, rows: Array) -> PyTree:
    count = jax.tree.leaves(points)[0].shape[0]
    kept = jnp.where(rows < count, rows, count - 1)
    return jax.tree.map(lambda leaf: leaf[kept], points)
