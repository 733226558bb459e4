"""Infinitely wide hypernetworks: one description, read as a finite net or as kernels.

Examples:
    >>> import jax, jax.numpy as jnp, hyperlimit as hl
    >>> spec = hl.Hypernetwork(
    ...     meta=hl.mlp(depth=3, width=512, activation="relu"),
    ...     primary=hl.mlp(depth=3, width=64, activation="relu", out=1),
    ... )
    >>> x, z = jnp.ones((2, 5)), jnp.array([[1.0, 0.0], [0.0, 1.0]])
    >>> print(hl.dual_limit(spec).ntk((x, z)).shape)
    (2, 2)
"""

import importlib

from hyperlimit import (
    data,
    distributed,
    feature_learning,
    finite,
    layers,
    limits,
    meta_wide,
    networks,
)
from hyperlimit.activations import activation
from hyperlimit.diagnosis import diagnose
from hyperlimit.dynamics import Descent, Flow, training_dynamics
from hyperlimit.empirical import (
    empirical_ntk,
    ntk_plan,
    scaling_exponents,
    taylor_terms,
)
from hyperlimit.errors import InputError
from hyperlimit.feature_learning import hypernetwork_limit, linear_limit, pi_limit
from hyperlimit.finite import TaskEmbedding, heads, hypernetize, init
from hyperlimit.layers import (
    AveragePool,
    Convolution,
    Coordinates,
    Dense,
    Elementwise,
    FiLM,
    Flatten,
    FourierFeatures,
    GlobalAveragePool,
    Images,
    LayerNorm,
    LowRank,
    Residual,
)
from hyperlimit.likelihood import log_marginal_likelihood, tune
from hyperlimit.limits import dual_limit
from hyperlimit.linalg.checkpoints import Checkpoints
from hyperlimit.meta_wide import meta_wide_limit
from hyperlimit.networks import Hypernetwork, Network, mlp, siren
from hyperlimit.regression import regress, regress_grid, unit_rows
from hyperlimit.serialisation import load, save
from hyperlimit.training import Training, train
from hyperlimit.widths import MuP, abc, classify, coordinate_check

__all__ = [
    "AveragePool",
    "Checkpoints",
    "Convolution",
    "Coordinates",
    "Dense",
    "Descent",
    "Elementwise",
    "FiLM",
    "Flatten",
    "Flow",
    "FourierFeatures",
    "GlobalAveragePool",
    "Hypernetwork",
    "Images",
    "InputError",
    "LayerNorm",
    "LowRank",
    "MuP",
    "Network",
    "Residual",
    "TaskEmbedding",
    "Training",
    "abc",
    "activation",
    "classify",
    "coordinate_check",
    "data",
    "diagnose",
    "distributed",
    "dual_limit",
    "empirical_ntk",
    "feature_learning",
    "finite",
    "heads",
    "hypernetize",
    "hypernetwork_limit",
    "init",
    "layers",
    "limits",
    "linear_limit",
    "load",
    "log_marginal_likelihood",
    "meta_wide",
    "meta_wide_limit",
    "mlp",
    "networks",
    "ntk_plan",
    "pi_limit",
    "regress",
    "regress_grid",
    "save",
    "scaling_exponents",
    "siren",
    "taylor_terms",
    "train",
    "training_dynamics",
    "tune",
    "unit_rows",
]
__version__ = "0.1.0"

_ESTIMATORS = ("HyperkernelGP", "HyperkernelRegressor")


def __getattr__(name: str):
    """The estimators, which need scikit-learn, when they are first asked for."""
    if name == "estimators" or name in _ESTIMATORS:
        estimators = importlib.import_module("hyperlimit.estimators")
        return estimators if name == "estimators" else getattr(estimators, name)
    raise AttributeError(f"module 'hyperlimit' has no attribute {name!r}")
