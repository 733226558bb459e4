"""`jax.jit` with XLA's optimisations, which the suite leaves out: for long sampling."""

import functools

import jax

jit = functools.partial(
    jax.jit,
    compiler_options={
        "xla_backend_optimization_level": 2,
        "xla_llvm_disable_expensive_passes": False,
    },
)
