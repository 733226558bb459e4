"""Why a hypernetwork does not train, and what to change."""

from hyperlimit.diagnosis._advice import Advice
from hyperlimit.diagnosis._diagnose import diagnose
from hyperlimit.diagnosis._diagnosis import Diagnosis
from hyperlimit.diagnosis._given import (
    data_from,
    dtype_like,
    image_task,
    network_from,
)

__all__ = [
    "Advice",
    "Diagnosis",
    "data_from",
    "diagnose",
    "dtype_like",
    "image_task",
    "network_from",
]
