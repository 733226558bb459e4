"""Refuses factorisations of many matrices in one call, which can hang.

On a CPU, jaxlib 0.10 hands the matrices of a batch to the threads that programs run
on, and waits for them in one of these threads. When as many such calls run at once as
there are threads, all of them wait for ever; two do on two cores. Later releases take
the matrices one after the other, as `jax.lax.map` and `sequential_vmap` do in all.
"""

from jax import lax
from jax.extend import core

FACTORISATIONS = {
    one for one in vars(lax.linalg).values() if isinstance(one, core.Primitive)
}
assert {lax.linalg.cholesky_p, lax.linalg.svd_p, lax.linalg.lu_p} <= FACTORISATIONS

_bind = core.Primitive.bind


def _bind_one(self, *args, **params):
    if self in FACTORISATIONS:
        shapes = [getattr(each, "shape", ()) for each in args]
        assert max(map(len, shapes)) <= 2, (
            f"{self} of arrays of shapes {shapes} can hang: take the matrices one at a "
            "time, by jax.lax.map or jax.custom_batching.sequential_vmap."
        )
    return _bind(self, *args, **params)


def refuse() -> None:
    """From now on, in this process."""
    core.Primitive.bind = _bind_one
