"""A network with the arrays that it writes multiplied."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hyperlimit.diagnosis._problem import Problem
from hyperlimit.diagnosis._scales import _read
from hyperlimit.empirical.tracing import Entry
