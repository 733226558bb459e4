"""Hypernetworks whose primary network is anybody's Equinox module."""

from hyperlimit.finite.modules._hypernetize import hypernetize
from hyperlimit.finite.modules._module_hypernetwork import ModuleHypernetwork
from hyperlimit.finite.modules._task_embedding import TaskEmbedding, TaskTable
from hyperlimit.finite.modules._trunk import FeaturesOfInputs

__all__ = [
    "FeaturesOfInputs",
    "ModuleHypernetwork",
    "TaskEmbedding",
    "TaskTable",
    "hypernetize",
]
