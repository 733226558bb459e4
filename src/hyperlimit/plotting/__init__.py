"""Results in, figures out."""

from hyperlimit.plotting._completions import completions_figure
from hyperlimit.plotting._diagnosis import diagnosis_figure
from hyperlimit.plotting._loss import loss_figure
from hyperlimit.plotting._scaling import ScalingPanel, scaling_figure

__all__ = [
    "ScalingPanel",
    "completions_figure",
    "diagnosis_figure",
    "loss_figure",
    "scaling_figure",
]
