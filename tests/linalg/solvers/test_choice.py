"""Which preconditioner an operator gets, and what it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import Dense, KeptTerms, KroneckerSum, Selected
from hyperlimit.linalg.solvers import preconditioner_for

IMAGES, PLACES = 100, 40


def whole():
    """A positive definite sum of two products, of images at places."""
    draw = np.random.default_rng(0)

    def kernel(size, width):
        x = draw.uniform(size=(size, 2))
        squares = np.sum((x[:, None] - x[None]) ** 2, axis=-1)
        return np.exp(-squares / width)

    left = np.stack([kernel(IMAGES, 0.3), kernel(IMAGES, 2.0)])
    right = np.stack([kernel(PLACES, 0.1), kernel(PLACES, 1.0)])
    own = np.stack([np.diagonal(a) for a in left])
    left = left * (1 - np.eye(IMAGES))
    parts = (right, own, right)
    return KroneckerSum(
        KeptTerms(jnp.asarray(left, float)), *(jnp.asarray(v, float) for v in parts)
    )


def some(share=0.5):
    mask = np.random.default_rng(1).uniform(size=(IMAGES, PLACES)) < share
    rows = jnp.asarray(np.flatnonzero(mask))
    return Selected(whole(), rows, rows), np.nonzero(mask)[0]


def test_complete_targets_get_eigenvectors_of_the_factors():
    assert preconditioner_for(whole(), 0.1).name.endswith("all eigenvectors")
    itemsize = jnp.zeros(()).dtype.itemsize
    small = preconditioner_for(
        whole(), 0.1, memory=2 * itemsize * (IMAGES + PLACES) * 7
    )
    assert small.name.endswith("a subspace of 7")


def test_a_part_of_a_sum_gets_whole_groups_and_few_columns():
    """Reading more would take longer than the product that it is to spare."""
    operator, groups = some()
    longest = int(np.bincount(groups).max())
    one = preconditioner_for(operator, 0.1, groups=groups)
    assert one.name == f"partial Cholesky factor, 64 columns, blocks of {longest}"
    many = preconditioner_for(operator, 0.1, groups=groups, vectors=1000)
    flops = 2 * 2 * (IMAGES**2 * PLACES + IMAGES * PLACES**2) * 1000
    wanted = flops // (2 * (120 + 4000) * len(groups)) // 32 * 32
    assert 64 < wanted < 1000
    assert f" {min(wanted, len(groups) // 4)} columns" in many.name


def test_any_other_matrix_gets_a_quarter_of_its_rows():
    operator, _ = some()
    matrix = Dense(operator.as_matrix())
    found = preconditioner_for(matrix, 0.1)
    assert found.name == f"partial Cholesky factor, {len(matrix.matrix) // 4} columns"


@pytest.mark.parametrize("numbers", [20, 60, 400])
def test_it_holds_no_more_than_the_memory(numbers):
    operator, groups = some()
    memory = numbers * len(groups) * jnp.zeros(()).dtype.itemsize
    found = preconditioner_for(operator, 0.1, memory, groups)
    kept = (found.operator.scale, found.operator.basis)
    # Short groups are filled up.
    assert sum(part.nbytes for part in jax.tree.leaves(kept)) <= 1.25 * memory
