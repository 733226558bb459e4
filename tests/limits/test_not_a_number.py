"""What is not a number stays so: no certain zero is made of it."""

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl

pytestmark = pytest.mark.float64_only(reason="the same flow of NaN")


@pytest.mark.parametrize("activation", ["relu", "erf", "gelu", "sin"])
@pytest.mark.parametrize("wrong", [jnp.nan, jnp.inf])
@pytest.mark.parametrize("columns", [3, 20])
def test_nan_and_inf_give_nan_in_their_rows_only(activation, wrong, columns):
    spec = hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=4, activation=activation),
        primary=hl.mlp(depth=2, width=4, out=1, activation=activation),
    )
    draw = np.random.default_rng(0)
    x = jnp.asarray(draw.normal(size=(4, columns))).at[1, 0].set(wrong)
    z = jnp.asarray(draw.normal(size=(4, 2))).at[2, 1].set(wrong)
    limit = hl.dual_limit(spec)
    spoilt = np.array([False, True, True, False])
    for matrix in (limit.ntk((x, z)), limit.nngp((x, z))):
        np.testing.assert_array_equal(
            np.isnan(matrix), spoilt[:, None] | spoilt[None, :]
        )
    np.testing.assert_array_equal(np.isnan(limit.ntk_diagonal((x, z))), spoilt)


def test_a_function_that_is_not_elementwise_is_refused(unchecked_types):
    with pytest.raises(hl.InputError, match="elementwise"):
        hl.mlp(depth=2, width=4, activation=lambda z: z / jnp.sum(jnp.abs(z)))
    with pytest.raises(hl.InputError, match="elementwise"):
        hl.mlp(depth=2, width=4, activation=jnp.sum)
