"""The solve of a grid regression on all processes of one program."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.linalg.operators import KroneckerSum, Shifted
from hyperlimit.linalg.sharded import (
    ImageRows,
    image_mesh,
    shard_kronecker_inverse,
    shard_kronecker_sum,
)
from hyperlimit.linalg.solvers import (
    AbstractKeeper,
    AbstractPreconditioner,
    KroneckerInverse,
    Progress,
    Solution,
    conjugate_gradients,
)


def solved_on_ranks(
    operator: KroneckerSum,
    noise: float,
    inverse: AbstractPreconditioner,
    values: Float[Array, "v k"],
    *,
    tolerance: float,
    progress: Progress | None,
    keeper: AbstractKeeper | None,
) -> Solution:
    """Conjugate gradients with the images dealt out; every process has the answer.

    Every process has built the operator and its preconditioner; products are shared.
    """
    assert isinstance(inverse, KroneckerInverse)
    layout = ImageRows(image_mesh(), operator.left.shape[1])
    system = Shifted(
        shard_kronecker_sum(operator, layout), jnp.asarray(noise, operator.dtype)
    )
    solution = conjugate_gradients(
        system,
        layout.scattered(np.asarray(values)),
        shard_kronecker_inverse(inverse, layout),
        tolerance=tolerance,
        progress=progress,
        keeper=keeper,
    )
    return solution._replace(vectors=jnp.asarray(layout.gathered(solution.vectors)))
