"""Networks as frozen data, from layers."""

from hyperlimit.networks._free_numbers import (
    FreeNumber,
    free_numbers,
    with_numbers,
)
from hyperlimit.networks._hidden_width import with_hidden_width
from hyperlimit.networks._hypernetwork import Hypernetwork
from hyperlimit.networks._mlp import mlp
from hyperlimit.networks._network import Network
from hyperlimit.networks._siren import siren

__all__ = [
    "FreeNumber",
    "Hypernetwork",
    "Network",
    "free_numbers",
    "mlp",
    "siren",
    "with_hidden_width",
    "with_numbers",
]
