"""The guard of the suite against calls that can hang on few cores."""

import jax
import jax.numpy as jnp
import pytest


@pytest.mark.parametrize(
    "factorise",
    [
        lambda a: jnp.linalg.cholesky(a),
        lambda a: jnp.linalg.eigvalsh(a),
        lambda a: jnp.linalg.qr(a),
        lambda a: jnp.linalg.norm(a, ord=2),
        lambda a: jnp.linalg.solve(a, a[:, 0]),
    ],
)
def test_batches_are_refused_and_loops_are_not(factorise):
    matrices = jnp.eye(3)[None] + jnp.zeros((2, 1, 1))
    with pytest.raises(AssertionError, match="one at a time"):
        jax.vmap(factorise)(matrices)
    jax.lax.map(factorise, matrices)
    jax.vmap(jax.custom_batching.sequential_vmap(factorise))(matrices)
