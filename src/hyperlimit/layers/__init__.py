"""Layers: a finite map and its recursion at infinite width, one file a family."""

from hyperlimit.layers._base import AbstractLayer
from hyperlimit.layers._coordinates import Coordinates
from hyperlimit.layers._dense import Dense
from hyperlimit.layers._elementwise import Elementwise
from hyperlimit.layers._fourier import FourierFeatures
from hyperlimit.layers._inputs import AbstractInputs
from hyperlimit.layers._kernel_state import KernelState, constant_state

# One row a layer: the law suite runs on every row.
LAYERS: tuple[type[AbstractLayer], ...] = (Dense, Elementwise)
INPUTS: tuple[type[AbstractInputs], ...] = (Coordinates, FourierFeatures)

__all__ = [
    "INPUTS",
    "LAYERS",
    "AbstractInputs",
    "AbstractLayer",
    "Coordinates",
    "Dense",
    "Elementwise",
    "FourierFeatures",
    "KernelState",
    "constant_state",
]
