"""Results in, figures out."""

from hyperlimit.plotting._completions import completions_figure
from hyperlimit.plotting._loss import loss_figure
from hyperlimit.plotting._stops import StopsByImage, StopsByWidth, stops_figure

__all__ = [
    "StopsByImage",
    "StopsByWidth",
    "completions_figure",
    "loss_figure",
    "stops_figure",
]
