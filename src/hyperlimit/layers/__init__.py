"""Layers: a finite map and its recursion at infinite width, one file a family."""

from hyperlimit.layers._average_pool import (
    AveragePool,
    GlobalAveragePool,
    needs_all_pairs,
)
from hyperlimit.layers._base import (
    AbstractLayer,
    AbstractPointwiseLayer,
    AbstractSpatialLayer,
    AbstractVectorLayer,
    Size,
    Sources,
    advance,
    as_size,
)
from hyperlimit.layers._convolution import Convolution
from hyperlimit.layers._coordinates import Coordinates
from hyperlimit.layers._dense import Dense
from hyperlimit.layers._elementwise import Elementwise
from hyperlimit.layers._film import FiLM
from hyperlimit.layers._flatten import Flatten
from hyperlimit.layers._fourier import FourierFeatures
from hyperlimit.layers._images import Images
from hyperlimit.layers._inputs import AbstractInputs
from hyperlimit.layers._kernel_state import KernelState, constant_state
from hyperlimit.layers._layer_norm import LayerNorm
from hyperlimit.layers._low_rank import LowRank
from hyperlimit.layers._residual import Residual, layers_inside
from hyperlimit.layers._spatial_state import SpatialState

# One row a layer: the law suite runs on every row.
LAYERS: tuple[type[AbstractLayer], ...] = (
    Dense,
    Elementwise,
    LowRank,
    FiLM,
    LayerNorm,
    Residual,
    Convolution,
    AveragePool,
    GlobalAveragePool,
    Flatten,
)
INPUTS: tuple[type[AbstractInputs], ...] = (
    Coordinates,
    FourierFeatures,
    Images,
)

__all__ = [
    "INPUTS",
    "LAYERS",
    "AbstractInputs",
    "AbstractLayer",
    "AbstractPointwiseLayer",
    "AbstractSpatialLayer",
    "AbstractVectorLayer",
    "AveragePool",
    "Convolution",
    "Coordinates",
    "Dense",
    "Elementwise",
    "FiLM",
    "Flatten",
    "FourierFeatures",
    "GlobalAveragePool",
    "Images",
    "KernelState",
    "LayerNorm",
    "LowRank",
    "Residual",
    "Size",
    "Sources",
    "SpatialState",
    "advance",
    "as_size",
    "constant_state",
    "layers_inside",
    "needs_all_pairs",
]
