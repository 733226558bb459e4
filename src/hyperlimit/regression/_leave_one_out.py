"""Each training function as the others predict it."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers import (
    KroneckerInverse,
    conjugate_gradients,
    preconditioner_for,
)
from hyperlimit.regression._grid_dense import SolvedDensely
from hyperlimit.regression._grid_iteration import SolvedByIteration
from hyperlimit.regression._grid_problem import GridProblem, Solved

# Images that are left out together, in columns of their own.
_TOGETHER = 16


class LeaveOneOut(NamedTuple):
    """Known values of training functions, less what the other functions predict.

    Attributes:
        images: which functions, (b,).
        residuals: of each an array (p_i, k), its known values in order.
    """

    images: Int[np.ndarray, " b"]
    residuals: list[Float[np.ndarray, "_ k"]]

    @property
    def mean_squared_error(self) -> float:
        """Over all values."""
        return float(np.mean(np.concatenate(self.residuals) ** 2))

    @property
    def errors(self) -> Float[np.ndarray, " b"]:
        """The mean squared error of every function."""
        return np.asarray([np.mean(part**2) for part in self.residuals])


def left_out(
    solved: Solved,
    problem: GridProblem,
    values: Float[Array, "v k"],
    weights: Float[Array, "v k"],
    images: Int[np.ndarray, " b"],
    exact: bool,
) -> LeaveOneOut:
    r"""$y_i - \mu_{-i} = [(K^{-1})_{ii}]^{-1} \alpha_i$ for weights $\alpha$."""
    rows = [np.flatnonzero(problem.image == image) for image in images]
    empty = [int(i) for i, row in zip(images, rows, strict=True) if not len(row)]
    if empty:
        raise InputError(
            f"images names function {empty[0]}, which has no known value to predict: "
            "leave it out, or give no images for all that have one."
        )
    parts: list[Any]
    if isinstance(solved, SolvedDensely):
        identity = jnp.eye(len(values), dtype=values.dtype)
        inverse = jax.scipy.linalg.cho_solve((solved.factor, True), identity)
        parts = [_by_block(inverse, weights, row) for row in _padded(rows)]
        parts = [part[: len(row)] for part, row in zip(parts, rows, strict=True)]
    else:
        assert isinstance(solved, SolvedByIteration)
        if exact:
            parts = _by_solves(solved, values, rows)
        else:
            parts = _by_preconditioner(solved, weights, rows)
    return LeaveOneOut(images, [np.asarray(part, np.float64) for part in parts])


def _padded(rows: list[Int[np.ndarray, " _"]]) -> list[Int[Array, " p"]]:
    """Rows of each image in one length, so that one function is compiled: -1 behind."""
    width = max((len(row) for row in rows), default=0)
    return [
        jnp.asarray(np.pad(row, (0, width - len(row)), constant_values=-1))
        for row in rows
    ]


@jax.jit
def _solved_block(
    block: Float[Array, "p p"], weights: Float[Array, "v k"], rows: Int[Array, " p"]
) -> Float[Array, "p k"]:
    there = rows >= 0
    inside = there[:, None] & there[None, :]
    identity = jnp.eye(len(rows), dtype=block.dtype)
    return jnp.linalg.solve(
        jnp.where(inside, block, identity), jnp.where(there[:, None], weights[rows], 0)
    )


@jax.jit
def _by_block(
    inverse: Float[Array, "v v"], weights: Float[Array, "v k"], rows: Int[Array, " p"]
) -> Float[Array, "p k"]:
    return _solved_block(inverse[rows[:, None], rows[None, :]], weights, rows)


def _by_preconditioner(
    solved: SolvedByIteration,
    weights: Float[Array, "v k"],
    rows: list[Int[np.ndarray, " _"]],
) -> list[Array]:
    """With the preconditioner in place of the inverse's diagonal blocks."""
    inverse, problem = solved.preconditioner.operator, solved.problem
    if isinstance(inverse, KroneckerInverse):
        n, p = inverse.images.shape[0], inverse.coordinates.shape[0]
        found = _image_inverses(inverse, weights.reshape(n, p, -1))
        return [found[row[0] // p] for row in rows]
    # What pays off in one solve is not near enough: the inverse is wanted itself.
    inverse = preconditioner_for(
        solved.gram.operator,
        solved.noise,
        problem.memory,
        None if problem.complete else problem.image,
        vectors=len(weights),
    ).operator
    found = [_near(inverse, weights, row) for row in _padded(rows)]
    return [part[: len(row)] for part, row in zip(found, rows, strict=True)]


@jax.jit
def _image_inverses(
    inverse: KroneckerInverse, weights: Float[Array, "n p k"]
) -> Float[Array, "n p k"]:
    return inverse.image_inverses(weights)


@eqx.filter_jit
def _near(inverse: AbstractOperator, weights: Array, rows: Array) -> Array:
    there = jnp.where(rows >= 0, rows, 0)
    return _solved_block(inverse.block(there, there), weights, rows)


def _by_solves(
    solved: SolvedByIteration,
    values: Float[Array, "v k"],
    rows: list[Int[np.ndarray, " _"]],
) -> list[np.ndarray]:
    """One solve without each image, many images at once."""
    parts: list[np.ndarray] = []
    outputs = values.shape[1]
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        kept = np.ones((len(values), len(some)), bool)
        for column, row in enumerate(some):
            kept[row, column] = False
        mask = jnp.asarray(np.repeat(kept, outputs, axis=1))
        every = jnp.tile(values, (1, len(some)))
        system = Without(solved.system, mask, jnp.asarray(1.0, values.dtype))
        inverse = Without(solved.preconditioner.operator, mask, system.rest)
        solution = conjugate_gradients(
            system,
            jnp.where(mask, every, 0),
            inverse,
            tolerance=solved.problem.tolerance,
        )
        found = np.asarray(every - _product(solved.gram.operator, solution.vectors))
        for column, row in enumerate(some):
            parts.append(found[row, column * outputs : (column + 1) * outputs])
    return parts


@eqx.filter_jit
def _product(operator: AbstractOperator, vectors: Array) -> Array:
    return operator.matmat(vectors)


class Without(AbstractOperator):
    """An operator restricted, in each column, to the rows that its mask keeps.

    The other rows have `rest` on the diagonal.
    """

    operator: AbstractOperator
    mask: Bool[Array, "n c"]
    rest: Float[Array, ""]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Of its entries."""
        return self.operator.dtype

    def matmat(self, vectors: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """The product, each column with its own rows."""
        inside = jnp.where(self.mask, vectors, 0)
        outside = self.rest.astype(vectors.dtype) * (vectors - inside)
        return jnp.where(self.mask, self.operator.matmat(inside), 0) + outside

    @property
    def T(self) -> "Without":
        """The transpose."""
        return Without(self.operator.T, self.mask, self.rest)

    def diagonal(self) -> Float[Array, " k"]:
        """There is one a column.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("every column has a matrix of its own")

    def block(
        self, rows: Int[Array, " a"], columns: Int[Array, " b"]
    ) -> Float[Array, "a b"]:
        """There is one a column.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("every column has a matrix of its own")
