"""Precision and strictness of the suite, for a rank."""

import os

import jax

PRECISION = os.environ.get("HYPERLIMIT_TEST_PRECISION", "float64")

jax.config.update("jax_enable_x64", PRECISION == "float64")
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
